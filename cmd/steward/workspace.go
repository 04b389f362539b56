package main

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"steward"
	"steward/configs"
	"steward/jobs"
	"steward/notify"
	"steward/playbooks"
	"steward/store"
)

// house is a workspace with everything in it that a command may need.
type house struct {
	ws   *configs.Workspace
	book *playbooks.Book
	db   *store.DB
	now  func() time.Time
	// mark is the files' as they were read, to notice an edit by.
	mark string
	// warnings is what is not wrong and could be better.
	warnings steward.Problems
}

// load reads the workspace and its book and returns every problem of both; the
// warnings among them come beside a good book.
func (a *app) load() (*configs.Workspace, *playbooks.Book, steward.Problems, error) {
	dir, err := a.workspaceDir()
	if err != nil {
		return nil, nil, nil, err
	}
	ws, book, problems := loadFrom(configs.Files(dir), dir, a.getenv)
	return ws, book, problems, nil
}

// workspaceDir is the workspace's folder on this machine.
func (a *app) workspaceDir() (string, error) {
	dir, err := filepath.Abs(a.dir)
	if err != nil {
		return "", fmt.Errorf("find the workspace: %w", err)
	}
	if _, err := os.Stat(filepath.Join(dir, configs.FileName)); err != nil {
		return "", fmt.Errorf("there is no %s in %s\nGo to the workspace's folder, name it with -w, or make one with: steward init", configs.FileName, a.dir)
	}
	return dir, nil
}

// readFrom reads a workspace from any file system, with all advice about it.
func readFrom(fsys fs.FS, dir string, getenv func(string) string) (*configs.Workspace, *playbooks.Book, steward.Problems) {
	ws, problems := configs.Load(fsys, dir, getenv)
	if ws == nil {
		return nil, nil, problems
	}
	book, more := playbooks.Load(fsys, ws.Playbooks, ws.Messages, settings(ws))
	problems = append(problems, more...)
	if _, err := jobs.ParseSchedule(ws.Schedule, ws.Zone); err != nil {
		problems = append(problems, ws.SchedulePos.Problem(configs.FileName, "schedule", len(ws.Schedule), err.Error(), "", ws.Text()))
	}
	problems = append(problems, deliveryProblems(ws, book)...)
	return ws, book, problems.Sorted()
}

// deliveryProblems are mistakes that only the whole shows: mail to customers
// that could not be stopped with one click.
func deliveryProblems(ws *configs.Workspace, b *playbooks.Book) steward.Problems {
	if ws.Delivery.Mode != steward.Live || ws.PublicURL != "" {
		return nil
	}
	for _, p := range b.Playbooks {
		for _, s := range p.Steps {
			if len(s.Email) > 0 {
				return steward.Problems{{File: configs.FileName, Message: fmt.Sprintf("delivery is live and playbook %s mails customers, but public_url is not set", p.Name),
					Hint: "set public_url to the https address of the public listener, so that people can stop the mail with one click"}}
			}
		}
	}
	return nil
}

func settings(ws *configs.Workspace) playbooks.Settings {
	return playbooks.Settings{
		File: configs.FileName, Source: ws.Text(), Zone: ws.Zone, Fields: ws.Fields, Metrics: ws.Metrics, Health: healthRules(ws.Health), Journey: journeyRules(ws.Journey), Include: ws.Include, NoCustomerMail: ws.NoCustomerMail,
		Owners: ws.Owners, Away: ws.Away, Unowned: ws.Unowned, Ops: ws.Ops, Approvers: ws.Approvers, CRMLink: ws.CRMLink, MailFrom: ws.Email.FromName, MailFooter: ws.MailFooter, NoticesReplies: ws.Email.Mailbox.Enabled, NoCards: ws.Delivery.Mode != steward.Preview && !ws.Slack.Enabled, Webhooks: ws.WebhookNames(), Holds: holds(ws.Holds), Limits: ws.Limits, Hours: ws.Hours, Digest: ws.Digest,
	}
}

func holds(of []configs.Hold) []playbooks.Hold {
	var out []playbooks.Hold
	for _, h := range of {
		out = append(out, playbooks.Hold{Purposes: h.Purposes, When: h.When, AndFor: h.AndFor})
	}
	return out
}

// enter loads the workspace, which must have no errors, and opens its
// database.
func (a *app) enter(ctx context.Context, o store.Options) (*house, error) {
	ws, book, problems, err := a.load()
	if err != nil {
		return nil, err
	}
	if errs := problems.Errors(); len(errs) > 0 {
		return nil, errs
	}
	if o.ReadOnly {
		if _, err := os.Stat(ws.Database); err != nil {
			return nil, fmt.Errorf("there is no database yet at %s\nLoad the sources first: steward import", ws.Database)
		}
	}
	mark := workspaceMark(ws) // before anything that takes time: an edit meanwhile counts as one
	db, err := store.Open(ctx, ws.Database, o)
	if err != nil {
		return nil, err
	}
	return &house{ws: ws, book: book, db: db, now: a.now, warnings: problems, mark: mark}, nil
}

func (h *house) close() error { return h.db.Close() }

// engine wires the jobs to the database and the senders; sender may be nil
// where nothing is delivered.
func (h *house) engine(sender jobs.Sender, log *slog.Logger) *jobs.Engine {
	return &jobs.Engine{
		Ledger: ledger{h.db}, Sender: sender, Book: func() *playbooks.Book { return h.book },
		FreshWithin: func(source string) time.Duration { return freshness(h.ws)[source] }, Now: h.now, Log: log,
	}
}

// senders builds what the workspace's delivery mode asks for. flush finishes
// what a preview has begun.
func (h *house) senders(ctx context.Context, preview notify.PreviewConfig) (delivery, error) {
	keys, err := h.db.Keys(ctx)
	if err != nil {
		return delivery{}, err
	}
	return buildDelivery(h.ws, keys.Signing, preview, h.now)
}
