package main

import (
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"steward"
	"steward/store"
)

// onADiskOfItsOwn moves the workspace's database to a disk that can be filled
// up: a small file system, where one can be mounted, else a limit on the size
// of all files of this process.
func (o *outpost) onADiskOfItsOwn() (fill func() (free func())) {
	o.Helper()
	dir := o.TempDir()
	path := filepath.Join(dir, "steward.db")
	text, err := os.ReadFile(filepath.Join(o.dir, "steward.yaml"))
	o.must(err)
	o.write("steward.yaml", string(text)+"database: "+path+"\n")
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=12m"); err != nil {
		o.Logf("no file system can be mounted here (%v); the size of files is limited instead", err)
		return func() func() { return o.limitFiles(path) }
	}
	o.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return func() func() {
		filler, err := os.Create(filepath.Join(dir, "filler"))
		o.must(err)
		for _, n := range []int{1 << 20, 4096, 1} {
			for err = nil; err == nil; {
				_, err = filler.Write(make([]byte, n))
			}
		}
		o.must(filler.Close())
		return sync.OnceFunc(func() { o.must(os.Remove(filler.Name())) })
	}
}

// limitFiles lets no file grow beyond what the database's log has. The log is
// first made longer than what the go command has this process write.
func (o *outpost) limitFiles(path string) (free func()) {
	signal.Ignore(syscall.SIGXFSZ)
	db, err := store.Open(o.Context(), path, store.Options{})
	o.must(err)
	for i := range 40 {
		o.must(db.SavePlaybookVersion(o.Context(), "filler", fmt.Sprint("filler", i), strings.Repeat("x", 90_000), o.now()))
	}
	o.must(db.Close())
	info, err := os.Stat(path + "-wal")
	o.must(err)
	var was syscall.Rlimit
	o.must(syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was))
	o.must(syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: uint64(info.Size()), Max: was.Max}))
	free = sync.OnceFunc(func() { o.must(syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was)) })
	o.Cleanup(free)
	return free
}

// later moves the clock, and leaves the files as they are.
func (o *outpost) later(d time.Duration) { o.ahead.Add(int64(d)) }

func (o *outpost) ready() (bool, string) {
	o.Helper()
	status, body := o.get(o.private + "/readyz")
	return status == http.StatusOK, body
}

// postedOnce tells which messages Slack took more than once.
func (o *outpost) postedOnce() {
	o.Helper()
	times := map[steward.MessageID]int{}
	for _, id := range o.posted() {
		if times[id]++; times[id] > 1 {
			o.Errorf("%s was posted %d times", id, times[id])
		}
	}
}

// While the disk is full nothing is said that could not be written down first;
// readiness tells, the log does not run over, and the worker goes on by itself.
func TestTheDiskIsFullForAWhile(t *testing.T) {
	o := newOutpost(t, "")
	fill := o.onADiskOfItsOwn()
	o.command(exitFine, "pause", "--why", "until the disk is full")
	o.start()
	o.wait("cards are put off", func() bool { return len(o.outreach("--state", "deferred")) > 0 })
	o.command(exitFine, "resume")
	said := len(o.posted())

	free := fill()
	o.later(20 * time.Minute) // what was put off is due
	o.wait("readiness tells", func() bool {
		ok, body := o.ready()
		return !ok && strings.Contains(body, "free some space")
	})
	time.Sleep(500 * time.Millisecond) // some twenty rounds of the relay
	if n := strings.Count(o.logs.String(), `"level":"ERROR"`); n == 0 || n > 5 {
		t.Errorf("the log has %d errors about it, want a few", n)
	}
	if n := len(o.posted()); n != said {
		t.Errorf("%d cards were posted that could not be written down", n-said)
	}

	free()
	o.wait("it is ready again", func() bool { ok, _ := o.ready(); return ok })
	o.wait("what was put off is said", func() bool { return len(o.posted()) > said && len(o.outreach("--state", "deferred")) == 0 })
	o.wait("the log says that it works again", func() bool { return strings.Contains(o.logs.String(), "a job works again") })
	o.stop()
	o.postedOnce()
}

// A card that Slack took at the moment the disk was full is found there
// afterwards, and not sent again.
func TestTheDiskIsFullWhenSlackAnswers(t *testing.T) {
	o := newOutpost(t, "")
	fill := o.onADiskOfItsOwn()
	var once sync.Once
	free := func() {}
	taken := make(chan struct{})
	o.slack.Now = func() time.Time {
		once.Do(func() {
			free = fill()
			close(taken)
		})
		return o.now()
	}
	o.start()
	<-taken
	o.wait("readiness tells", func() bool {
		ok, body := o.ready()
		return !ok && strings.Contains(body, "free some space")
	})
	if !strings.Contains(o.logs.String(), "settle") {
		t.Errorf("what became of the card could be written down\n%s", o.logs)
	}
	free()
	o.wait("it is ready again", func() bool { ok, _ := o.ready(); return ok })
	o.later(5 * time.Minute) // the lease of a sender that did not write
	o.wait("all is sent", func() bool {
		list := o.outreach()
		for _, v := range list {
			if v.State != steward.Sent && v.State != steward.AwaitingApproval {
				return false
			}
		}
		return len(list) > 0
	})
	o.stop()
	o.postedOnce()
}
