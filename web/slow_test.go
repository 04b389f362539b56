package web

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"steward"
)

// plenty is how long the tests here wait for what must come, and patience for
// what must not.
const (
	plenty   = 20 * time.Second
	patience = 60 * time.Millisecond
)

// brief are limits of a test: short where something is to run out of time.
var brief = limits{header: 150 * time.Millisecond, request: 300 * time.Millisecond, answer: plenty, idle: 150 * time.Millisecond, headerBytes: 4 << 10, connections: 64}

// serving serves until the test ends.
func serving(t *testing.T, h http.Handler, l limits) (address string, log *lockedLog) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	log = &lockedLog{}
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, ln, h, slog.New(slog.NewTextHandler(log, nil)), l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return ln.Addr().String(), log
}

type lockedLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := net.DialTimeout("tcp", address, plenty)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(plenty))
	return c
}

// drip sends text a byte at a time, without end, until the peer has had enough.
func drip(c net.Conn, text string) error {
	for i := 0; ; i = (i + 1) % len(text) {
		if _, err := c.Write([]byte{text[i]}); err != nil {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func cutByPeer(err error) bool { return err != nil && !errors.Is(err, os.ErrDeadlineExceeded) }

// Somebody who sends a byte now and then, always in time for the next, is cut
// off; others are answered meanwhile.
func TestDrippingPeersAreCut(t *testing.T) {
	o := &optOuts{}
	h, _ := public(t, o)
	address, log := serving(t, h, brief)
	path := "/u/" + steward.UnsubscribeToken(key, "m-1")
	cut := make(chan error)
	drippers := 0
	for what, begin := range map[string]string{
		"in the first line": "",
		"in the header":     "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ",
		"in the body":       "POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Type: " + formType + "\r\nContent-Length: 8000\r\n\r\n",
		"in chunks":         "POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Type: " + formType + "\r\nTransfer-Encoding: chunked\r\n\r\n1f40\r\n",
	} {
		for range 3 {
			drippers++
			c := dial(t, address)
			go func() {
				if _, err := io.WriteString(c, begin); err != nil {
					cut <- err
					return
				}
				if err := drip(c, "x"); !cutByPeer(err) {
					cut <- fmt.Errorf("%s it went on: %w", what, err)
					return
				}
				cut <- nil
			}()
		}
	}
	for range drippers {
		resp, err := http.Get("http://" + address + "/healthz")
		if err != nil {
			t.Fatalf("others are not answered: %v", err)
		}
		_ = resp.Body.Close()
		if err := <-cut; err != nil {
			t.Error(err)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	if len(o.did) > 0 {
		t.Errorf("half a request unsubscribed %v", o.did)
	}
	if strings.Contains(log.String(), path) {
		t.Errorf("the log holds a link that works: %s", log)
	}
}

func TestAnIdleConnectionIsClosed(t *testing.T) {
	h, _ := public(t, &optOuts{})
	address, _ := serving(t, h, brief)
	c := dial(t, address)
	if _, err := io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(c) // ends when the peer closes
	if err != nil || !bytes.Contains(text, []byte("200 OK")) {
		t.Errorf("%q, %v", text, err)
	}
}

func TestWhatIsTooLargeIsRefused(t *testing.T) {
	o := &optOuts{}
	h, _ := public(t, o)
	long := brief
	long.header, long.request = plenty, plenty
	address, _ := serving(t, h, long)
	token := steward.UnsubscribeToken(key, "m-1")
	form := "Host: x\r\nContent-Type: " + formType + "\r\n"
	much := strings.Repeat("x", 64<<10)
	for what, c := range map[string]struct{ send, status string }{
		"a header":            {"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + much + "\r\n\r\n", "431"},
		"many headers":        {"GET /healthz HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X: y\r\n", 4<<10) + "\r\n", "431"},
		"a path":              {"GET /u/" + much + " HTTP/1.1\r\nHost: x\r\n\r\n", "431"},
		"a body":              {"POST /u/" + token + " HTTP/1.1\r\n" + form + "Content-Length: 65580\r\n\r\n" + oneClick + "&x=" + much, "400"},
		"a body without size": {"POST /u/" + token + " HTTP/1.1\r\n" + form + "Transfer-Encoding: chunked\r\n\r\n10000\r\n" + much + "\r\n0\r\n\r\n", "400"},
		"two lengths":         {"POST /u/" + token + " HTTP/1.1\r\n" + form + "Content-Length: 26\r\nContent-Length: 27\r\n\r\n" + oneClick, "400"},
		"no length at all":    {"POST /u/" + token + " HTTP/1.1\r\n" + form + "Content-Length: -1\r\n\r\n" + oneClick, "400"},
	} {
		conn := dial(t, address)
		go func() { _, _ = io.WriteString(conn, c.send) }() // which the peer may not read to its end
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		_ = resp.Body.Close()
		if !strings.HasPrefix(resp.Status, c.status) {
			t.Errorf("%s: %s, want %s", what, resp.Status, c.status)
		}
	}
	if len(o.did) > 0 {
		t.Errorf("unsubscribed %v", o.did)
	}
}

// With every place taken the next peer waits, and is answered when one leaves.
func TestConnectionsAreBounded(t *testing.T) {
	h, _ := public(t, &optOuts{})
	few := limits{header: plenty, request: plenty, answer: plenty, idle: plenty, headerBytes: 4 << 10, connections: 3}
	address, _ := serving(t, h, few)
	hold := func() net.Conn { // a place is surely taken once it was answered
		c := dial(t, address)
		_, _ = io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
		if _, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil {
			t.Fatal(err)
		}
		return c
	}
	held := []net.Conn{hold(), hold(), hold()}
	next := dial(t, address) // the kernel takes it
	_, _ = io.WriteString(next, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
	_ = next.SetReadDeadline(time.Now().Add(patience))
	if _, err := next.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("a fourth connection is answered beside three: %v", err)
	}
	_ = held[0].Close()
	_ = next.SetReadDeadline(time.Now().Add(plenty))
	resp, err := http.ReadResponse(bufio.NewReader(next), nil)
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("the fourth is not answered when another left: %v", err)
	}
}

// A place is given back once, however often a connection is closed.
func TestAPlaceIsGivenBackOnce(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := newBounded(inner, 1)
	for range 3 {
		dial(t, inner.Addr().String())
		c, err := b.Accept()
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			_ = c.Close()
		}
		if len(b.places) != 0 {
			t.Fatalf("%d places are taken by nobody", len(b.places))
		}
	}
	dial(t, inner.Addr().String())
	if _, err := b.Accept(); err != nil {
		t.Fatal(err)
	}
	waiting := make(chan error)
	go func() { _, err := b.Accept(); waiting <- err }()
	_ = b.Close()
	_ = b.Close()
	if err := <-waiting; !errors.Is(err, net.ErrClosed) {
		t.Errorf("an Accept that waits for a place ends with %v", err)
	}
}
