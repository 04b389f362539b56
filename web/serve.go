package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// shutdownGrace is how long requests that are under way may take once the
// process is to end.
const shutdownGrace = 10 * time.Second

// limits bound what one peer, and all of them together, can hold of a listener.
type limits struct {
	header  time.Duration // for a request's header to arrive
	request time.Duration // for the whole of it
	answer  time.Duration // from the header's end to the answer's
	idle    time.Duration // between two requests on a connection
	// headerBytes bounds a request's header; a body's bound is the handlers'.
	headerBytes int
	// connections is how many may be open. Those above it wait in the kernel's
	// queue: descriptors are also what the database is opened with.
	connections int
}

// usualLimits let a person on a bad line through, and somebody who drips bytes
// hold a connection for seconds and not for ever.
var usualLimits = limits{
	header: 5 * time.Second, request: 10 * time.Second, answer: 30 * time.Second, idle: 30 * time.Second,
	headerBytes: 16 << 10, connections: 256,
}

// Serve answers requests on ln until ctx is done, then stops accepting, lets
// those under way finish, and returns nil. It closes ln. What goes wrong with
// single connections is logged; no line holds a path, as that of a link to
// unsubscribe is all it takes to use it.
//
// It speaks HTTP/1.1 and no TLS: what is specific to HTTP/2 is the proxy's to
// fend off.
func Serve(ctx context.Context, ln net.Listener, h http.Handler, log *slog.Logger) error {
	return serve(ctx, ln, h, log, usualLimits)
}

func serve(ctx context.Context, ln net.Listener, h http.Handler, log *slog.Logger, l limits) error {
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: l.header,
		ReadTimeout:       l.request,
		WriteTimeout:      l.answer,
		IdleTimeout:       l.idle,
		MaxHeaderBytes:    l.headerBytes,
		ErrorLog:          slog.NewLogLogger(logger(log).Handler(), slog.LevelWarn),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(newBounded(ln, l.connections)) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve %s: %w", ln.Addr(), err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	err := server.Shutdown(grace)
	if err != nil {
		_ = server.Close()
	}
	if e := <-ended; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	if err != nil {
		return fmt.Errorf("stop serving %s: %w", ln.Addr(), err)
	}
	return nil
}
