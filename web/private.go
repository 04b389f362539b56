package web

import (
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// PrivateOptions are what the private side shows.
type PrivateOptions struct {
	// Checks are what /readyz asks, in the order it lists them.
	Checks []Check
	// Feeds are where /metrics takes its figures from.
	Feeds Feeds
	// Version is the program's, for steward_build_info.
	Version string
	// Pages are those of accounts and the queue; without Pages in them there are none.
	Pages  PageOptions
	Logger *slog.Logger
}

// Private is the handler of the private listener: /healthz, /readyz, /metrics,
// and the pages for people who are let in. It must not be reachable from the internet.
func Private(o PrivateOptions) http.Handler {
	log := logger(o.Logger)
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		newFigures(o.Feeds, o.Version, log),
	)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", healthy)
	mux.HandleFunc("GET /readyz", ready(o.Checks))
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		// What can be shown is shown; a feed that failed says so by itself.
		ErrorHandling: promhttp.ContinueOnError,
		// One scrape at a time is enough for anybody, and each reads the database.
		MaxRequestsInFlight: 2,
	}))
	if o.Pages.Pages != nil {
		o.Pages.mount(mux, log)
	}
	return guard(mux, log)
}

func logger(l *slog.Logger) *slog.Logger {
	if l == nil {
		return slog.Default()
	}
	return l
}
