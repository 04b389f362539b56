package main

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"steward/configs"
)

// gitMost is how large a version of a workspace may be, packed: it is text.
const gitMost = 64 << 20

// otherVersion is the files of another version of the workspace: those of a
// folder, or of the workspace's own folder at a git revision. name is what to
// call it.
func otherVersion(ctx context.Context, dir, which string) (files fs.FS, name string, err error) {
	if st, err := os.Stat(which); err == nil && st.IsDir() {
		if _, err := os.Stat(filepath.Join(which, configs.FileName)); err != nil {
			return nil, "", fmt.Errorf("there is no %s in %s\nName the folder of a workspace, or a git revision such as origin/main", configs.FileName, clean(which))
		}
		return configs.Files(which), which, nil
	}
	files, err = gitVersion(ctx, dir, which)
	return files, which, err
}

// gitVersion reads a folder as a revision has it. Git is asked, and nothing is
// checked out: the folder stays as it is, with whatever is edited in it.
func gitVersion(ctx context.Context, dir, rev string) (fs.FS, error) {
	if strings.HasPrefix(rev, "-") || rev == "" {
		return nil, usagef("--against: %q is neither a folder nor a git revision", rev)
	}
	commit, err := git(ctx, dir, "rev-parse", "--verify", "--quiet", "--end-of-options", rev+"^{commit}")
	if err != nil {
		return nil, fmt.Errorf("--against: there is no folder %s, and git has no such revision%s\nFetch it first, as with: git fetch origin main", clean(rev), colon(err))
	}
	// From here on the revision is forty digits.
	prefix, err := git(ctx, dir, "rev-parse", "--show-prefix")
	if err != nil {
		return nil, fmt.Errorf("find the workspace in its git repository%s", colon(err))
	}
	tree := strings.TrimSpace(string(commit)) + ":" + strings.TrimSuffix(strings.TrimRight(string(prefix), "\n"), "/")
	packed, err := git(ctx, dir, "archive", "--format=zip", tree)
	if err != nil {
		return nil, fmt.Errorf("the workspace's folder cannot be read as it was in %s%s", clean(rev), colon(err))
	}
	files, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		return nil, fmt.Errorf("read the workspace as of %s: %w", clean(rev), err)
	}
	return files, nil
}

// git asks git in a folder. Its arguments are this file's own, but for a revision
// that cannot be read as an option.
func git(ctx context.Context, dir string, args ...string) ([]byte, error) {
	c := exec.CommandContext(ctx, "git", args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0")
	out, said := &capped{most: gitMost}, &capped{most: 4096}
	c.Stdout, c.Stderr = out, said
	err := c.Run()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return nil, errors.New("git is not installed here; name a folder instead, such as one made with git worktree")
	case out.full:
		return nil, fmt.Errorf("the folder holds more than %d MB; keep exports out of git", gitMost>>20)
	case err != nil && said.Len() > 0:
		return nil, errors.New(clean(said.String()))
	}
	return out.Bytes(), err
}

// capped keeps what is written to it up to a size.
type capped struct {
	bytes.Buffer
	most int
	full bool
}

var errFull = errors.New("too much")

func (c *capped) Write(p []byte) (int, error) {
	if c.Len()+len(p) > c.most {
		c.full = true
		return 0, errFull
	}
	return c.Buffer.Write(p)
}

// colon is what went wrong as the end of a sentence; nothing where git only
// counted on its exit code to say it.
func colon(err error) string {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return ""
	}
	return ": " + err.Error()
}
