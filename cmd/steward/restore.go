package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"steward"
	"steward/store"
)

func restoreCommand(a *app) *cobra.Command {
	var by string
	c := &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a backup in the database's place",
		Long: `Checks a backup and puts it in the place of the database, which is kept beside
it under another name. The worker must be stopped.

The backup knows nothing of what happened after it was made. So sending is paused,
and what was due meanwhile is in doubt: a card is looked for in Slack before it is
sent, a mail is uncertain and is not sent again. Cards and drafts that were
planned after the backup are planned again at the next evaluation.

Exit codes: 0 restored, 1 failed, and nothing was changed.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			ws, _, problems, err := a.load()
			if err != nil {
				return err
			}
			if errs := problems.Errors(); len(errs) > 0 {
				return errs
			}
			r, err := store.Restore(c.Context(), args[0], ws.Database,
				steward.Pause{At: a.now().UTC().Truncate(time.Second), By: a.who(by), Reason: "restored from a backup; look before going on"})
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(r)
			}
			fmt.Fprintf(a.stderr, "Restored %s, which ends on %s.\n", args[0], r.Until.In(ws.Zone).Format("2 January 2006 at 15:04"))
			if r.Replaced != "" {
				fmt.Fprintf(a.stderr, "The database of before is at %s.\n", r.Replaced)
			}
			if r.Doubtful > 0 {
				fmt.Fprintf(a.stderr, "%s may have gone out since: %d are uncertain (steward outreach --state uncertain), the others are looked for before they are sent.\n",
					count(r.Doubtful, "message"), r.Uncertain)
			}
			fmt.Fprintln(a.stderr, "Sending is paused. Start the worker, look with steward plan and steward outreach, and go on with: steward resume")
			return nil
		},
	}
	c.Flags().StringVar(&by, "by", "", "who restores (default: STEWARD_USER or the login name)")
	return c
}
