package replay

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"steward"
)

// The files that Write makes.
const (
	AccountsFile   = "accounts.csv"
	ContractsFile  = "contracts.csv"
	ContactsFile   = "contacts.csv"
	TouchesFile    = "touches.csv"
	ProductsFile   = "products.csv"
	TicketsFile    = "tickets.csv"
	SurveysFile    = "surveys.csv"
	ObjectivesFile = "objectives.csv"
	MilestonesFile = "milestones.csv"
	UsageFile      = "usage.csv"
	OwnersFile     = "owners.yaml"
	TruthFile      = "truth.json"
)

// Write puts into dir what a CRM and a product would export on the evening of
// through: the CRM's files as of that day, all usage up to and including it,
// the owners, and the truth. The directory is made if need be; files there are
// replaced whole, so that a reader never meets half of one.
func (s Simulation) Write(dir string, through steward.Day) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the folder of the simulated exports: %w", err)
	}
	truth, err := json.MarshalIndent(s.Truth, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", TruthFile, err)
	}
	if err := replaceFile(dir, OwnersFile, s.OwnersYAML()); err != nil {
		return err
	}
	if err := replaceFile(dir, TruthFile, append(truth, '\n')); err != nil {
		return err
	}
	return s.export(dir, s.First, through)
}

// WriteDay puts into dir the exports of one night: the CRM's files as of day,
// and usage of day and the two before it, as nightly exports overlap to pick up
// what came late.
func (s Simulation) WriteDay(dir string, day steward.Day) error {
	return s.export(dir, day-2, day)
}

// OwnersYAML is owners.yaml: the people the simulated accounts belong to.
func (s Simulation) OwnersYAML() []byte { return ownersYAML() }

func (s Simulation) export(dir string, from, through steward.Day) error {
	p := s.Portfolio(through)
	for _, f := range []struct {
		name string
		rows [][]string
	}{
		{AccountsFile, accountRows(p.Accounts)},
		{ContractsFile, contractRows(p.Contracts)},
		{ContactsFile, contactRows(p.Contacts)},
		{TouchesFile, touchRows(p.Touches)},
		{ProductsFile, productRows(p.Products)},
		{TicketsFile, ticketRows(p.Tickets)},
		{SurveysFile, surveyRows(p.Surveys)},
		{ObjectivesFile, objectiveRows(p.Objectives)},
		{MilestonesFile, milestoneRows(p.Milestones)},
	} {
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		if err := w.WriteAll(f.rows); err != nil {
			return fmt.Errorf("write %s: %w", f.name, err)
		}
		if err := replaceFile(dir, f.name, b.Bytes()); err != nil {
			return err
		}
	}
	return replaceFile(dir, UsageFile, s.usage(from, through))
}

// usage is usage.csv, a row for each account and day on which something
// happened, by day as an export that was appended to every night would be. Ids
// and numbers need no quoting.
func (s Simulation) usage(from, through steward.Day) []byte {
	b := []byte("account,date," + strings.Join(MetricNames(), ",") + "\n")
	for d := max(from, s.First); d <= min(through, s.Last); d++ {
		day := d.String()
		for i := range s.accounts {
			a := &s.accounts[i]
			if a.metrics[0] == nil || a.metrics[0][d-s.First] != a.metrics[0][d-s.First] {
				continue
			}
			b = append(append(append(append(b, a.base.ID...), ','), day...), ',')
			for m := range a.metrics {
				b = strconv.AppendFloat(b, a.metrics[m][d-s.First], 'f', -1, 64)
				b = append(b, ',')
			}
			b[len(b)-1] = '\n'
		}
	}
	return b
}

func accountRows(accounts []steward.Account) [][]string {
	rows := [][]string{{"id", "name", "parent", "status", "segment", "arr", "currency", "owner", "start_date", "renewal_date", "stage", "escalation_level",
		"contact_policy", "test", "plan", "seats", "partner_managed", "legal_hold"}}
	for _, a := range accounts {
		rows = append(rows, []string{string(a.ID), a.Name, string(a.Parent), a.Status, a.Segment, cell(a.ARR), a.Currency, string(a.Owner), dayCell(a.StartDate),
			dayCell(a.RenewalDate), a.Stage, cell(a.EscalationLevel), a.ContactPolicy, strconv.FormatBool(a.Test), cell(a.More["plan"]), cell(a.More["seats"]),
			cell(a.More["partner_managed"]), cell(a.More["legal_hold"])})
	}
	return rows
}

func contractRows(contracts []steward.Contract) [][]string {
	rows := [][]string{{"id", "account", "product", "start_date", "end_date", "notice_date", "amount", "auto_renew", "renewed", "cancelled"}}
	for _, c := range contracts {
		rows = append(rows, []string{string(c.ID), string(c.Account), c.Product, dayCell(c.StartDate), dayCell(c.EndDate), dayCell(c.NoticeDate), cell(c.Amount),
			strconv.FormatBool(c.AutoRenew), strconv.FormatBool(c.Renewed), strconv.FormatBool(c.Cancelled)})
	}
	return rows
}

func contactRows(contacts []steward.Contact) [][]string {
	rows := [][]string{{"id", "account", "name", "email", "roles", "locale", "last_seen"}}
	for _, c := range contacts {
		rows = append(rows, []string{string(c.ID), string(c.Account), c.Name, c.Email, strings.Join(c.Roles, ";"), c.Locale, dayCell(c.LastSeen)})
	}
	return rows
}

func touchRows(touches []steward.Touch) [][]string {
	rows := [][]string{{"id", "account", "contact", "day", "kind", "by"}}
	for _, t := range touches {
		rows = append(rows, []string{t.ID, string(t.Account), string(t.Contact), dayCell(t.Day), t.Kind, t.By})
	}
	return rows
}

func productRows(products []steward.Product) [][]string {
	rows := [][]string{{"id", "account", "name", "plan", "seats", "start_date", "end_date", "features"}}
	for _, p := range products {
		rows = append(rows, []string{string(p.ID), string(p.Account), p.Name, p.Plan, cell(p.Seats), dayCell(p.StartDate), dayCell(p.EndDate), strings.Join(p.Features, ";")})
	}
	return rows
}

func ticketRows(tickets []steward.Ticket) [][]string {
	rows := [][]string{{"id", "account", "contact", "priority", "opened", "closed"}}
	for _, t := range tickets {
		rows = append(rows, []string{t.ID, string(t.Account), string(t.Contact), t.Priority, dayCell(t.Opened), dayCell(t.Closed)})
	}
	return rows
}

func surveyRows(surveys []steward.Survey) [][]string {
	rows := [][]string{{"id", "account", "contact", "day", "kind", "score"}}
	for _, q := range surveys {
		rows = append(rows, []string{q.ID, string(q.Account), string(q.Contact), dayCell(q.Day), string(q.Kind), strconv.FormatFloat(q.Score, 'f', -1, 64)})
	}
	return rows
}

func objectiveRows(objectives []steward.Objective) [][]string {
	rows := [][]string{{"id", "account", "name", "metric", "baseline", "target", "due", "agreed"}}
	for _, o := range objectives {
		rows = append(rows, []string{o.ID, string(o.Account), o.Name, o.Metric, cell(o.Baseline), cell(o.Target), dayCell(o.Due), string(o.Agreed)})
	}
	return rows
}

func milestoneRows(milestones []steward.Milestone) [][]string {
	rows := [][]string{{"account", "name", "day"}}
	for _, m := range milestones {
		rows = append(rows, []string{string(m.Account), m.Name, dayCell(m.Day)})
	}
	return rows
}

// cell is a value as exports write it: no quotes around text, empty when
// unknown.
func cell(v steward.Value) string {
	switch {
	case !v.Known:
		return ""
	case v.Kind == steward.TextKind:
		return v.Text
	case v.Kind == steward.NumberKind:
		return strconv.FormatFloat(v.Num, 'f', -1, 64)
	default:
		return v.String()
	}
}

func dayCell(d steward.Day) string {
	if d == steward.NoDay {
		return ""
	}
	return d.String()
}

// replaceFile writes beside the file and renames.
func replaceFile(dir, name string, content []byte) error {
	f, err := os.CreateTemp(dir, "."+name+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Join(dir, name), err)
	}
	_, err = f.Write(content)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Chmod(f.Name(), 0o644) // temporary files are private; exports are not
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, name))
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("write %s: %w", filepath.Join(dir, name), err)
	}
	return nil
}
