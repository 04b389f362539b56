package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"steward"
	"steward/playbooks"
	"steward/store"
	"steward/web"
)

// readers is what the people that mail is for can choose with the link in it.
type readers struct {
	db  *store.DB
	now func() time.Time
	// offered is the kinds of mail that there are, by the names that readers know.
	offered func() []web.Choice
}

// reader is whom a mail was for. Links of other messages are nobody's.
func (r readers) reader(ctx context.Context, id steward.MessageID) (store.Reader, error) {
	who, err := r.db.ReaderOf(ctx, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && !who.To.Customer() {
		return who, web.ErrNoSuchMessage
	}
	return who, err
}

func (r readers) Choices(ctx context.Context, id steward.MessageID) (web.Choices, error) {
	who, err := r.reader(ctx, id)
	if err != nil || who.To.Email == "" || who.Locked {
		return web.Choices{None: who.None}, err
	}
	c := web.Choices{None: who.None, Topics: r.offered()}
	for i := range c.Topics {
		c.Topics[i].Wanted = !who.None && !slices.Contains(who.Unwanted, c.Topics[i].Topic)
	}
	return c, nil
}

func (r readers) StopTopic(ctx context.Context, id steward.MessageID) error {
	who, err := r.reader(ctx, id)
	switch {
	case err != nil, who.To.Email == "": // forgotten, and gets no mail any more either
		return err
	case who.Topic == "":
		return r.stop(ctx, who)
	}
	return r.db.Prefer(ctx, who.To.Email, []steward.Topic{who.Topic}, nil, store.BySelf, r.now())
}

func (r readers) StopAll(ctx context.Context, id steward.MessageID) error {
	who, err := r.reader(ctx, id)
	if err != nil || who.To.Email == "" {
		return err
	}
	return r.stop(ctx, who)
}

func (r readers) stop(ctx context.Context, who store.Reader) error {
	return r.db.Suppress(ctx, who.To.Email, store.Unsubscribed, store.BySelf, r.now())
}

func (r readers) Choose(ctx context.Context, id steward.MessageID, wanted []steward.Topic) error {
	who, err := r.reader(ctx, id)
	if err != nil || who.To.Email == "" {
		return err
	}
	var unwanted []steward.Topic
	for _, c := range r.offered() { // what was not on the page is not decided by it
		if !slices.Contains(wanted, c.Topic) {
			unwanted = append(unwanted, c.Topic)
		}
	}
	return r.db.Prefer(ctx, who.To.Email, unwanted, wanted, store.BySelf, r.now())
}

// offered is the kinds of mail that the playbooks in use send.
func (w *worker) offered() []web.Choice {
	return topicsOf(w.engine.Book(), w.ws.TopicName)
}

func topicsOf(b *playbooks.Book, name func(steward.Topic) string) []web.Choice {
	sent := map[steward.Topic]bool{}
	for _, p := range b.Playbooks {
		for _, s := range p.Steps {
			if len(s.Email) > 0 {
				sent[s.Topic] = true
			}
		}
	}
	var out []web.Choice
	for _, t := range steward.Topics() {
		if sent[t] {
			out = append(out, web.Choice{Topic: t, Name: name(t)})
		}
	}
	return out
}
