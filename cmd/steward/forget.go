package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"steward/notify"
	"steward/store"
)

type forgetOptions struct {
	app *app
	who string
}

func forgetCommand(a *app) *cobra.Command {
	o := &forgetOptions{app: a}
	return &cobra.Command{
		Use:   "forget CONTACT",
		Short: "Erase a customer's person for good",
		Long: `Erases a person from the database and the preview folder: the contact, and their
name and address in what was said, decided and clicked. Mail to them that has not
gone is stopped, cards that named them are drawn anew in Slack by the worker, and
no later import brings them back. CONTACT is a contact's id or an e-mail address.

Logs hold ids alone. Backups and what their own mailbox already holds are not
reached; remove backups yourself.

Exit codes: 0 done, 1 failed.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.who = args[0]
			return o.run(c.Context())
		},
	}
}

func (o *forgetOptions) run(ctx context.Context) error {
	h, err := o.app.enter(ctx, store.Options{})
	if err != nil {
		return err
	}
	defer h.close()
	found, err := h.db.ContactsNamed(ctx, o.who)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return fmt.Errorf("no contact has that id or address\nContacts are in the export that steward.yaml names; the id is its id column")
	}
	var all []store.Forgotten
	previews := 0
	for _, id := range found { // one person may be a contact of several accounts
		done, err := h.db.Forget(ctx, id, o.app.now())
		if errors.Is(err, store.ErrNotFound) {
			continue // forgotten with another of the same address
		}
		if err != nil {
			return err
		}
		all = append(all, done)
		files, err := notify.ErasePreviews(h.ws.PreviewDir, done.Erased)
		if err != nil {
			return fmt.Errorf("%w\nThe database has forgotten them. Remove the folder %s by hand", err, h.ws.PreviewDir)
		}
		previews += files
	}
	if o.app.json {
		return o.app.printJSON(all)
	}
	for _, f := range all {
		fmt.Fprintf(o.app.stderr, "Forgotten: %s erased, %d of them stopped before they went, %s cleaned.\n", count(f.Messages, "message"), f.Stopped, count(f.Records, "decision"))
	}
	fmt.Fprintf(o.app.stderr, "%s erased. Backups keep what they hold; remove those yourself.\n", count(previews, "preview file"))
	return nil
}
