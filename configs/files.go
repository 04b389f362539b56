package configs

import (
	"errors"
	"io/fs"
	"os"
	"path"
)

// Files is a workspace's folder as everything in it is read. Links are
// followed, since mounted configuration is made of them, as long as they stay
// where they are: a file's inside the file's own folder, a folder's inside the
// workspace. So what somebody puts into playbooks or messages, who may do no
// more than that, is what is in these folders, and not a link to a secret or to
// the machine's files whose text would then go out as a message.
//
// The folder is looked up at each reading: tools that keep a workspace in step
// with a repository put a new one in its place.
type Files string

// errOutside is a link that is not followed.
var errOutside = errors.New("it is a link that leads out of its folder and is not followed; put the file itself there")

// Open opens a file or folder by its slash path inside the workspace.
func (d Files) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	folder, err := d.folder(path.Dir(name))
	if err != nil {
		return nil, pathError(name, err)
	}
	defer func() { _ = folder.Close() }()
	f, err := folder.Open(path.Base(name))
	if err != nil {
		return nil, pathError(name, outside(folder, path.Base(name), err))
	}
	return f, nil
}

// folder opens a folder of the workspace, out of which nothing leads then.
func (d Files) folder(name string) (*os.Root, error) {
	workspace, err := os.OpenRoot(string(d))
	if err != nil || name == "." {
		return workspace, err
	}
	defer func() { _ = workspace.Close() }()
	inner, err := workspace.OpenRoot(name)
	if err != nil {
		return nil, outside(workspace, name, err)
	}
	return inner, nil
}

// outside tells a link that was not followed from what else may be wrong. os
// has no error of its own for it.
func outside(folder *os.Root, name string, err error) error {
	info, statErr := folder.Lstat(name)
	if statErr == nil && info.Mode()&fs.ModeSymlink != 0 && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
		return errOutside
	}
	return err
}

// pathError names the file as the workspace does.
func pathError(name string, err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return &fs.PathError{Op: "open", Path: name, Err: err}
}
