package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"steward"
	"steward/playbooks"
	"steward/store"
)

type accountsOptions struct {
	app   *app
	owner string
	text  string
	all   bool
}

func accountsCommand(a *app) *cobra.Command {
	o := &accountsOptions{app: a}
	c := &cobra.Command{
		Use:   "accounts [TEXT]",
		Short: "List accounts with where they stand",
		Long: `Lists the accounts of the portfolio with their renewal and what is open for
them, those with something open first. TEXT narrows by name or id.

Exit codes: 0 fine, 1 failed.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.text = strings.Join(args, "")
			return o.run(c.Context())
		},
	}
	c.Flags().StringVar(&o.owner, "owner", "", "only this owner's accounts")
	c.Flags().BoolVar(&o.all, "all", false, "also those outside the portfolio")
	return c
}

// accountRow is one account as listed.
type accountRow struct {
	ID          steward.AccountID `json:"id"`
	Name        string            `json:"name"`
	Segment     string            `json:"segment,omitempty"`
	ARR         steward.Value     `json:"arr"`
	Owner       steward.OwnerID   `json:"owner,omitempty"`
	RenewalDate steward.Day       `json:"renewal_date"`
	Portfolio   steward.Verdict   `json:"portfolio"`
	Health      steward.Value     `json:"health"`
	Grade       string            `json:"grade,omitempty"`
	Stage       string            `json:"stage,omitempty"`
	// Open is the playbooks it is enrolled in, Watched those whose condition is
	// pending, firing or clearing.
	Open    []string `json:"open"`
	Watched []string `json:"watched"`
}

func (o *accountsOptions) run(ctx context.Context) error {
	h, err := o.app.enter(ctx, store.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer h.close()
	s, err := h.lastSituation(ctx)
	if err != nil {
		return err
	}
	rows := o.rows(s)
	if o.app.json {
		return o.app.printJSON(rows)
	}
	scored := len(s.Book.Health.Scorecards) > 0
	header := []any{"account", "name", "segment", "ARR", "owner", "renews", "open", "watched"}
	if scored {
		header = slices.Insert(header, 3, any("health"))
	}
	t := o.app.table(header...)
	for _, r := range rows {
		arr := ""
		if r.ARR.Known {
			arr = fmt.Sprintf("%.0f", r.ARR.Num)
		}
		row := table.Row{r.ID, clip(clean(r.Name), 32), clean(r.Segment), arr, clean(string(r.Owner)), dayOrBlank(r.RenewalDate), strings.Join(r.Open, ", "), strings.Join(r.Watched, ", ")}
		if scored {
			row = slices.Insert(row, 3, any(r.healthWords()))
		}
		t.AppendRow(row)
	}
	t.Render()
	fmt.Fprintf(o.app.stderr, "%s as of %s\n", count(len(rows), "account"), h.date(s.Slot.Time()))
	return nil
}

func (o *accountsOptions) rows(s *playbooks.Situation) []accountRow {
	open, watched := map[steward.AccountID][]string{}, map[steward.AccountID][]string{}
	for _, p := range s.Book.Playbooks {
		for k, e := range s.Memory.Open {
			if k.Playbook == p.Name {
				word := string(p.Name)
				if e.State == steward.Quarantined {
					word += " (held)"
				}
				open[e.Subject.Account] = append(open[e.Subject.Account], word)
			}
		}
		for k, ph := range s.Memory.Phases {
			if _, enrolled := s.Memory.Open[k]; k.Playbook == p.Name && !enrolled {
				watched[ph.Subject.Account] = append(watched[ph.Subject.Account], fmt.Sprintf("%s (%s)", p.Name, ph.Phase))
			}
		}
	}
	view := s.Frame.View(steward.AboutAccount)
	health, grade, stage := view.Field("health", 0), view.Field("grade", 0), view.Field("stage", 0)
	var first, rest []accountRow
	for row := range view.Len() {
		a := view.Account(row)
		in := s.InPortfolio(a.ID)
		if !o.all && in != steward.Holds || o.owner != "" && string(a.Owner) != o.owner || !matches(a, o.text) {
			continue
		}
		r := accountRow{ID: a.ID, Name: a.Name, Segment: a.Segment, ARR: a.ARR, Owner: a.Owner, RenewalDate: a.RenewalDate, Portfolio: in,
			Health: health.Value(row), Grade: grade.Value(row).Text, Stage: stage.Value(row).Text, Open: open[a.ID], Watched: watched[a.ID]}
		if len(r.Open)+len(r.Watched) > 0 {
			first = append(first, r)
		} else {
			rest = append(rest, r)
		}
	}
	return append(first, rest...)
}

// healthWords is the health and its grade; blank where it is not known.
func (r accountRow) healthWords() string {
	if !r.Health.Known {
		return ""
	}
	return fmt.Sprintf("%.0f %s", r.Health.Num, r.Grade)
}

func matches(a *steward.Account, text string) bool {
	text = strings.ToLower(text)
	return text == "" || strings.Contains(strings.ToLower(a.Name), text) || strings.Contains(strings.ToLower(string(a.ID)), text)
}

// table is a table in the house's plain style.
func (a *app) table(header ...any) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(a.stdout)
	style := table.StyleLight
	style.Options = table.Options{SeparateHeader: true}
	style.Box.PaddingLeft = ""
	style.Box.PaddingRight = "  "
	style.Format.Header = 0
	t.SetStyle(style)
	t.AppendHeader(table.Row(header))
	return t
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

func dayOrBlank(d steward.Day) string {
	if d == steward.NoDay {
		return ""
	}
	return d.String()
}
