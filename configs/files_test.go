package configs

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"steward"
)

// tree makes a folder of files; a text that begins with "-> " is a link.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if to, link := strings.CutPrefix(text, "-> "); link {
			err = os.Symlink(strings.ReplaceAll(to, "DIR", dir), path)
		} else {
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFilesAreAFileSystem(t *testing.T) {
	dir := tree(t, map[string]string{"steward.yaml": "zone: UTC\n", "playbooks/a.yaml": "x", "messages/a.md": "x", "messages/deep/b.md": "x"})
	if err := fstest.TestFS(Files(dir), "steward.yaml", "playbooks/a.yaml", "messages/a.md", "messages/deep/b.md"); err != nil {
		t.Error(err)
	}
}

// What playbooks and messages are written by many people for must not be
// another way to the worker's files: a link in there leads to nothing outside.
func TestLinksOutOfAFolderAreNotFollowed(t *testing.T) {
	const secret = "xoxb-0815-hush"
	elsewhere := tree(t, map[string]string{"secret.md": secret, "folder/secret.md": secret})
	dir := tree(t, map[string]string{
		FileName:                        "zone: UTC\n",
		"secrets/token":                 secret,
		"secrets/token.md":              secret,
		"messages/good.md":              "words",
		"messages/absolute.md":          "-> " + elsewhere + "/secret.md",
		"messages/inside.md":            "-> DIR/secrets/token",
		"messages/beside.md":            "-> ../secrets/token",
		"messages/up.md":                "-> ../../../../../../../../" + elsewhere + "/secret.md",
		"messages/chain.md":             "-> beside.md",
		"messages/process.md":           "-> /proc/self/environ",
		"messages/device.md":            "-> /dev/zero",
		"messages/folder":               "-> " + elsewhere + "/folder",
		"messages/around.md":            "-> ../messages/good.md",
		"messages/same.md":              "-> good.md",
		"messages/gone.md":              "-> nothing.md",
		"messages/self.md":              "-> self.md",
		"tests":                         "-> " + elsewhere + "/folder",
		"playbooks":                     "-> ..data/playbooks", // as a mounted configuration looks
		"..data":                        "-> ..2026_11_22",
		"..2026_11_22/playbooks/a.yaml": "playbook: a",
		"mounted/a.md":                  "-> ..data/a.md",
		"mounted/..data":                "-> ..1",
		"mounted/..1/a.md":              "words",
		"owners.yaml":                   "-> ..data/owners.yaml",
		"..2026_11_22/owners.yaml":      somebody,
	})
	files := Files(dir)
	for name, want := range map[string]string{"messages/good.md": "words", "messages/same.md": "words", "playbooks/a.yaml": "playbook: a", "mounted/a.md": "words", "owners.yaml": somebody} {
		if text, err := fs.ReadFile(files, name); err != nil || string(text) != want {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	for _, name := range []string{"messages/absolute.md", "messages/inside.md", "messages/beside.md", "messages/up.md", "messages/chain.md", "messages/process.md", "messages/device.md",
		"messages/around.md", "messages/folder/secret.md", "tests/secret.md", "tests"} {
		f, err := files.Open(name)
		if err == nil {
			_ = f.Close()
			t.Errorf("%s is opened", name)
		} else if !strings.Contains(err.Error(), "out of its folder") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"messages/gone.md", "messages/self.md", "messages/none.md", "none/none.md"} {
		if _, err := files.Open(name); err == nil || strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"../" + filepath.Base(elsewhere) + "/secret.md", "/etc/passwd", "messages/../secrets/token", "messages//good.md", "", "messages/\x00.md", strings.Repeat("x", 5000)} {
		if f, err := files.Open(name); err == nil {
			_ = f.Close()
			t.Errorf("%.60q is opened", name)
		}
	}
	found, err := fs.Glob(files, "messages/*.md")
	if err != nil || !slices.Contains(found, "messages/good.md") {
		t.Errorf("glob: %v, %v", found, err)
	}
	_, ps := Load(files, dir, nothing)
	if len(ps.Errors()) != 1 || !strings.Contains(ps[0].Error(), "tests: cannot be read: it is a link that leads out of its folder") {
		t.Errorf("a folder that leads out is told as %v", told(ps))
	}
}

// A workspace that is itself behind a link is the folder that the link leads
// to now.
func TestAWorkspaceMayBeBehindALink(t *testing.T) {
	dir := tree(t, map[string]string{"one/steward.yaml": "1", "two/steward.yaml": "2", "current": "-> one"})
	files := Files(filepath.Join(dir, "current"))
	for _, want := range []string{"1", "2"} {
		if text, err := fs.ReadFile(files, FileName); err != nil || string(text) != want {
			t.Errorf("%q, %v, want %s", text, err, want)
		}
		_ = os.Remove(filepath.Join(dir, "current"))
		if err := os.Symlink("two", filepath.Join(dir, "current")); err != nil {
			t.Fatal(err)
		}
	}
}

// Every setting that names a file or folder, and what may stand there.
func TestPathSettings(t *testing.T) {
	type setting struct {
		text     string // with PATH in it
		absolute bool   // may lie elsewhere
		ending   string
		at       func(*Workspace) string
	}
	const mail = "email:\n  from: a@example.com\n  smtp_env: SMTP\n  dkim: {domain: example.com, selector: s, key_file: PATH}\n"
	settings := map[string]setting{
		"database":    {"database: PATH\n", true, "", func(w *Workspace) string { return w.Database }},
		"preview_dir": {"preview_dir: PATH\n", true, "", func(w *Workspace) string { return w.PreviewDir }},
		"playbooks":   {"playbooks: PATH\n", false, "", func(w *Workspace) string { return w.Path(w.Playbooks) }},
		"messages":    {"messages: PATH\n", false, "", func(w *Workspace) string { return w.Path(w.Messages) }},
		"tests":       {"tests: PATH\n", false, "", func(w *Workspace) string { return w.Path(w.Tests) }},
		"owners.file": {"owners: {file: PATH}\n", false, "", nil},
		"csv":         {"sources: [{name: crm, csv: {accounts: PATH}}]\n", true, ".csv", func(w *Workspace) string { return firstFile(w, func(f SourceFile) string { return w.Path(f.Path) }) }},
		"jsonl":       {"sources: [{name: crm, jsonl: {accounts: PATH}}]\n", true, ".jsonl", func(w *Workspace) string { return firstFile(w, func(f SourceFile) string { return w.Path(f.Path) }) }},
		"via": {"metrics: {logins: {kind: count}}\nsources: [{name: use, csv: {metrics: m.csv, via: {file: PATH, key: k, account: a}}}]\n", true, ".csv", func(w *Workspace) string {
			return firstFile(w, func(f SourceFile) string { return w.Path(f.Via.File) })
		}},
		"bot_token_file": {"slack: {bot_token_file: PATH}\n", true, "", nil},
		"smtp_file":      {"email: {from: a@example.com, smtp_file: PATH}\n", true, "", nil},
		"key_file":       {mail, true, "", nil},
		"redis_file":     {"redis_file: PATH\n", true, "", nil},
	}
	for name, s := range settings {
		for _, c := range []struct {
			path string
			good bool
			want string
		}{
			{"a/b" + s.ending, true, "/w/a/b" + s.ending},
			{"./a/../b" + s.ending, true, "/w/b" + s.ending},
			{"/mnt/b" + s.ending, s.absolute, "/mnt/b" + s.ending},
			{"../b" + s.ending, false, ""},
			{"a/../../b" + s.ending, false, ""},
			{"a/../../w/b" + s.ending, false, ""},
			{"'" + `..\b` + s.ending + "'", false, ""},
			{"'" + `C:\b` + s.ending + "'", false, ""},
			{"..", false, ""},
			{"/etc/shadow", s.absolute && s.ending == "", "/etc/shadow"},
			{"'../../../../etc/passwd" + s.ending + "'", false, ""},
		} {
			w, ps := load(t, strings.ReplaceAll(s.text, "PATH", c.path), somebody, map[string]string{"SMTP": "smtp://h:587"})
			var bad steward.Problems
			for _, p := range ps.Errors() { // a file that may be named, and is not there, is another matter
				if strings.Contains(p.Message, "path") || strings.Contains(p.Message, "does not look like csv") || strings.Contains(p.Message, "does not look like jsonl") {
					bad = append(bad, p)
				}
			}
			if c.good != (len(bad) == 0) {
				t.Errorf("%s: %s: problems %v", name, c.path, told(ps))
				continue
			}
			if !c.good && bad[0].Hint == "" {
				t.Errorf("%s: %s: nobody says what to do: %v", name, c.path, told(bad))
			}
			if s.at == nil {
				continue
			}
			got := s.at(w)
			if c.good && got != c.want {
				t.Errorf("%s: %s leads to %s, want %s", name, c.path, got, c.want)
			}
			if !c.good && got != "" && !strings.HasPrefix(got, "/w/") {
				t.Errorf("%s: %s is refused and leads to %s", name, c.path, got)
			}
		}
	}
}

func firstFile(w *Workspace, of func(SourceFile) string) string {
	if len(w.Sources) == 0 || len(w.Sources[0].Files) == 0 {
		return ""
	}
	return of(w.Sources[0].Files[0])
}

// A secret's file that is none, or another file than was meant, is not quoted:
// not its text, not a line of it.
func TestAFileThatIsNoSecretIsNotQuoted(t *testing.T) {
	const line = "root:$6$hush:19000:0:99999:7:::"
	dir := tree(t, map[string]string{"shadow": line + "\n" + line + "\n", "big": strings.Repeat(line, 5000), "folder/x": "", "link": "-> " + "/proc/self/environ", FileName: ""})
	for _, path := range []string{"shadow", dir + "/shadow", "big", dir + "/big", "folder", "link", dir + "/none"} {
		for _, text := range []string{"slack: {bot_token_file: PATH}\n", "email: {from: a@example.com, smtp_file: PATH}\n", "redis_file: PATH\n",
			"email: {from: a@example.com, smtp_env: X, dkim: {domain: example.com, selector: s, key_file: PATH}}\n"} {
			text = strings.ReplaceAll(text, "PATH", path)
			if err := os.WriteFile(filepath.Join(dir, FileName), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			w, ps := Load(Files(dir), dir, func(string) string { return "smtp://h:587" })
			all := append(ps, w.Unset()...)
			if len(all.Errors()) == 0 {
				t.Errorf("%s is taken", text)
			}
			for _, p := range told(all) {
				if strings.Contains(p, "hush") || strings.Contains(p, "root:") || strings.Contains(p, "PATH=") {
					t.Errorf("%s: told is %s", text, p)
				}
			}
		}
	}
}
