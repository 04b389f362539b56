package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// A fileLock is the mark of the one worker. It is a lock of the kernel's on a
// file of its own, so that it ends with its process however that ends; the
// file stays, because removing it would let two processes lock two files of
// one name.
type fileLock struct{ file *os.File }

// lockPatience is for how long a lock is asked for again: a command that is
// bringing the schema up to date holds it for a moment.
const lockPatience = time.Second

func takeLock(ctx context.Context, path string) (*fileLock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for waited := time.Duration(0); ; waited += 50 * time.Millisecond {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) || waited >= lockPatience {
			return nil, errors.Join(lockError(path, err), f.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), f.Close())
		case <-time.After(50 * time.Millisecond):
		}
	}
	// Who holds it, for the other's error message; the lock does not depend on it.
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt([]byte(fmt.Sprintln(os.Getpid())), 0)
	}
	return &fileLock{f}, nil
}

func lockError(path string, err error) error {
	if !errors.Is(err, syscall.EWOULDBLOCK) {
		return fmt.Errorf("lock %s: %w", path, err)
	}
	holder, readErr := os.ReadFile(path)
	if pid := strings.TrimSpace(string(holder)); readErr == nil && pid != "" {
		return fmt.Errorf("%w (process %s, %s)", ErrLocked, pid, path)
	}
	return fmt.Errorf("%w (%s)", ErrLocked, path)
}

func (l *fileLock) release() error { return l.file.Close() }
