package ingest

import (
	"fmt"
	"slices"
	"strings"

	"steward"
)

// What an account uses, asks, says and wants: products, tickets, surveys,
// objectives and milestones.

func (r *reading) product(row *row) error {
	p := steward.Product{
		Account:   steward.AccountID(r.accountID(row.key("account"))),
		Name:      row.text("name"),
		Plan:      row.text("plan"),
		Seats:     row.number("seats"),
		StartDate: row.date("start_date"),
		EndDate:   row.date("end_date"),
		Features:  row.list("features"),
	}
	if p.ID = steward.ProductID(row.text("id")); p.ID == "" && p.Name != "" {
		p.ID = steward.ProductID(string(p.Account) + "/" + strings.ToLower(p.Name))
	}
	for _, f := range r.schema.Fields {
		t := row.survey.binding.byName[f.Name]
		if productOwn(f.Name) || !t.mapped() {
			continue
		}
		if v := row.value(f.Name, f.Kind); v.Known {
			if p.More == nil {
				p.More = map[string]steward.Value{}
			}
			p.More[f.Name] = v
		}
	}
	switch {
	case row.fail != nil:
	case p.ID == "":
		row.reject(-1, "names no product: it has neither id nor name; give it one, or remove it", "")
	case p.Seats.Known && p.Seats.Num < 0:
		row.reject(row.column("seats"), "is no number of seats; mend the cell", fmt.Sprint(p.Seats.Num))
	case p.StartDate != steward.NoDay && p.EndDate != steward.NoDay && p.EndDate < p.StartDate:
		row.reject(row.column("end_date"), "is before the product's start; mend the dates, or check date_order", p.EndDate.String())
	}
	if row.fail != nil {
		return nil
	}
	return keep(row, Products, string(p.ID), &r.batch.Products, p)
}

// productOwn tells the names that products have themselves: a field of accounts
// that is declared under one of them is not a product's.
func productOwn(name string) bool {
	return slices.ContainsFunc(targets(Products, Schema{}), func(t target) bool { return t.name == name })
}

func (r *reading) ticket(row *row) error {
	t := steward.Ticket{
		ID:       row.key("id"),
		Account:  steward.AccountID(r.accountID(row.key("account"))),
		Contact:  steward.ContactID(row.text("contact")),
		Priority: strings.ToLower(row.text("priority")),
		Opened:   row.happened("opened"),
		Closed:   row.date("closed"),
	}
	undated := t.Closed == steward.NoDay && saysClosed(row.text("status"))
	if undated {
		t.Closed = max(r.today, t.Opened)
	}
	switch {
	case row.fail != nil:
	case t.Opened > r.today+1:
		row.reject(row.column("opened"), fmt.Sprintf("lies after today (%s); is the date read in the right order? Set date_order for the source", r.today), t.Opened.String())
	case t.Closed != steward.NoDay && t.Closed < t.Opened:
		row.reject(row.column("closed"), "is before the ticket was opened; mend the dates, or check date_order", t.Closed.String())
	}
	if row.fail != nil {
		return nil
	}
	if err := keep(row, Tickets, t.ID, &r.batch.Tickets, t); err != nil || row.fail != nil {
		return err
	}
	if r.batch.Undated == nil {
		r.batch.Undated = map[string]bool{}
	}
	if r.batch.Tickets[r.parts.seen[Tickets][t.ID].index] == t { // and not an earlier row
		r.batch.Undated[t.ID] = undated
	}
	return nil
}

// saysClosed tells the states of a ticket in which nobody waits for an answer
// any more. Whatever else a status says, somebody still does.
func saysClosed(status string) bool {
	switch strings.ToLower(status) {
	case "closed", "solved", "resolved", "done", "completed", "cancelled", "canceled", "geschlossen", "gelöst", "geloest", "erledigt":
		return true
	}
	return false
}

func (r *reading) answer(row *row) error {
	s := steward.Survey{
		Account: steward.AccountID(r.accountID(row.key("account"))),
		Contact: steward.ContactID(row.text("contact")),
		Kind:    steward.SurveyKind(strings.ToLower(row.key("kind"))),
		Day:     row.happened("day"),
	}
	score := row.number("score")
	low, high := 0.0, 10.0
	if s.Kind == steward.CSAT {
		low, high = 1, 5
	}
	switch {
	case row.fail != nil:
	case s.Kind != steward.NPS && s.Kind != steward.CSAT:
		row.reject(row.column("kind"), "is no kind of survey; write nps or csat, or set a default for kind", string(s.Kind))
	case !score.Known:
		row.reject(row.column("score"), "has no score; give the row one, or remove it", "")
	case score.Num < low || score.Num > high:
		row.reject(row.column("score"), fmt.Sprintf("is no score of a survey of the kind %s, which goes from %g to %g; mend the cell, or the kind", s.Kind, low, high), fmt.Sprint(score.Num))
	case s.Day > r.today+1:
		row.reject(row.column("day"), fmt.Sprintf("lies after today (%s); is the date read in the right order? Set date_order for the source", r.today), s.Day.String())
	}
	if row.fail != nil {
		return nil
	}
	s.Score = score.Num
	if s.ID = row.text("id"); s.ID == "" {
		who := string(s.Contact)
		if who == "" { // of people without a name only different answers can be told apart
			who = fmt.Sprintf("%g", s.Score)
		}
		s.ID = strings.Join([]string{string(s.Account), s.Day.String(), string(s.Kind), who}, "/")
	}
	return keep(row, Surveys, s.ID, &r.batch.Surveys, s)
}

func (r *reading) objective(row *row) error {
	o := steward.Objective{
		Account:  steward.AccountID(r.accountID(row.key("account"))),
		Name:     row.key("name"),
		Metric:   row.key("metric"),
		Baseline: row.number("baseline"),
		Target:   row.number("target"),
		Due:      row.date("due"),
		Agreed:   steward.ContactID(row.text("agreed")),
	}
	if metric, ok := r.metricNamed(o.Metric); ok {
		o.Metric = metric
	} else if row.fail == nil {
		row.reject(row.column("metric"), "is not a metric that the workspace declares; declare it under metrics, or mend the cell", o.Metric)
	}
	if row.fail != nil {
		return nil
	}
	if o.ID = row.text("id"); o.ID == "" {
		o.ID = string(o.Account) + "/" + strings.ToLower(o.Name)
	}
	return keep(row, Objectives, o.ID, &r.batch.Objectives, o)
}

// metricNamed is the declared metric that a cell names.
func (r *reading) metricNamed(text string) (string, bool) {
	for _, m := range r.schema.Metrics {
		if normalHeader(m.Name) == normalHeader(text) {
			return m.Name, true
		}
	}
	return "", false
}

func (r *reading) milestone(row *row) error {
	m := steward.Milestone{
		Account: steward.AccountID(r.accountID(row.key("account"))),
		Name:    r.milestoneNamed(row.key("name")),
	}
	text, column := row.raw("day", absentValue)
	m.Day = row.dateIn(text, column)
	switch {
	case row.fail != nil || m.Day == steward.NoDay: // not reached yet
		return nil
	case m.Day > r.today+1: // plans say when something ought to be reached
		row.warn(column, "lies in the future, and a milestone is something that was reached: it was left out until its day has come", m.Day.String())
		return nil
	}
	return keep(row, Milestones, string(m.Account)+"/"+m.Name, &r.batch.Milestones, m)
}

// milestoneNamed is the milestone that a cell names: one of the journey's where
// it is one.
func (r *reading) milestoneNamed(text string) string {
	for _, m := range r.schema.Milestones {
		if normalHeader(m) == normalHeader(text) {
			return m
		}
	}
	return text
}

// column is where a name's cell is; -1 where it has none.
func (r *row) column(name string) int { return r.survey.binding.byName[name].column }

// list splits a cell into its parts.
func (r *row) list(name string) []string {
	var out []string
	for _, part := range strings.FieldsFunc(r.text(name), func(c rune) bool { return c == ';' || c == ',' || c == '|' }) {
		if part = strings.TrimSpace(part); part != "" && !slices.Contains(out, part) {
			out = append(out, part)
		}
	}
	return out
}
