package main

import (
	"github.com/spf13/cobra"

	"steward/store"
)

func backupCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the database to a file, while the worker runs",
		Long: `Writes a whole, checked copy of the database. It refuses to overwrite. To
restore: stop the worker, put the copy in the database's place, start it.

Exit codes: 0 written and checked, 1 failed.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			h, err := a.enter(c.Context(), store.Options{ReadOnly: true})
			if err != nil {
				return err
			}
			defer h.close()
			if err := h.db.Backup(c.Context(), args[0]); err != nil {
				return err
			}
			return a.done(map[string]string{"backup": args[0]}, "Wrote %s and checked it.", args[0])
		},
	}
}
