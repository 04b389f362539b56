package ingest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"steward"
)

// YAML writes the inference as the fields, metrics and sources of a
// steward.yaml, with the reason of each line beside it, for a person to
// correct. What is only a guess, or needs an answer, stands there as a comment.
func (inf Inference) YAML(source string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Proposed from %s: %s. Taken for %s because of %s.\n", yamlComment(inf.Name), inf.sampled(), inf.Kind, inf.Why)
	b.WriteString("# Each line says why. Correct what is wrong, remove what no playbook needs, then run `steward import`.\n")
	inf.declarations(&b)
	inf.source(&b, source)
	return b.String()
}

func (inf Inference) sampled() string {
	rows := fmt.Sprintf("its first %d rows", inf.Rows)
	if inf.Whole {
		rows = fmt.Sprintf("all %d rows", inf.Rows)
	}
	return rows + ", " + delimiterWords(inf.Delimiter) + ", " + inf.Charset
}

func delimiterWords(d byte) string {
	switch d {
	case 0:
		return "an object per line"
	case ',':
		return "separated by commas"
	case ';':
		return "separated by semicolons"
	case '\t':
		return "separated by tabs"
	}
	return fmt.Sprintf("separated by %q", string(rune(d)))
}

// declarations writes fields: and metrics:.
func (inf Inference) declarations(b *strings.Builder) {
	title, began := "fields", false
	if inf.Kind == Metrics {
		title = "metrics"
	}
	for _, p := range inf.Columns {
		if !p.Declare {
			continue
		}
		if !began {
			began = true
			b.WriteString(title + ":\n")
		}
		if inf.Kind == Metrics {
			why := "a count: a day without a row is zero"
			if p.Metric == steward.Gauge {
				why = "a gauge: its last value holds until the next"
			}
			fmt.Fprintf(b, "  %s: {kind: %s}  # %s; %s\n", p.Field, p.Metric, yamlComment(p.Reason), why)
			continue
		}
		fmt.Fprintf(b, "  %s: %s  # %s\n", p.Field, p.Kind, yamlComment(p.Reason))
	}
}

// source writes sources:.
func (inf Inference) source(b *strings.Builder, name string) {
	format := "csv"
	if inf.Delimiter == 0 {
		format = "jsonl"
	}
	fmt.Fprintf(b, "sources:\n  - name: %s\n    %s:\n      %s: %s\n", name, format, inf.Kind, yamlText(inf.Name))
	b.WriteString("      columns:\n")
	mapped := 0
	for _, p := range inf.Columns {
		switch {
		case p.Field == "":
		case p.Confidence == "guess":
			fmt.Fprintf(b, "        # %s: %s  # a guess: %s\n", p.Field, yamlComment(yamlText(p.Header)), yamlComment(p.Reason))
		default:
			mapped++
			fmt.Fprintf(b, "        %s: %s  # %s: %s\n", p.Field, yamlText(p.Header), p.Confidence, yamlComment(p.Reason))
		}
	}
	if mapped == 0 { // `columns:` alone would be null
		b.WriteString("        {}\n")
	}
	for _, p := range inf.Columns {
		if p.Field == "" {
			reason := p.Reason
			if reason == "" {
				reason = "nothing Steward has a name for"
			}
			fmt.Fprintf(b, "        # left out: %s  # %s\n", yamlComment(yamlText(p.Header)), yamlComment(reason))
		}
	}
	inf.required(b)
	inf.survey(b)
	inf.settings(b)
}

// required writes what an accounts file must say for its accounts to be there
// at all: an id, and the status by which the portfolio takes them in.
func (inf Inference) required(b *strings.Builder) {
	if inf.Kind != Accounts {
		return
	}
	if p := inf.mapped("id"); p == nil {
		b.WriteString("        # id: HEADER  # no column is certain to hold the account's id, and the import needs one: export it, or map a column that never repeats\n")
	}
	status := inf.mapped("status")
	switch {
	case status == nil:
		b.WriteString("      # No column is certain to say who is a customer, and portfolio.include, unless you change it, takes only\n" +
			"      # accounts whose status is customer. This makes every account of the file one; map status instead where\n" +
			"      # the export tells prospects and former customers.\n" +
			"      defaults: {status: customer}\n")
	case len(status.Values) > 0 && !slices.Contains(status.Values, customerStatus):
		own := status.Values[0]
		if i := slices.IndexFunc(status.Values, saysCustomer); i >= 0 {
			own = status.Values[i]
		}
		fmt.Fprintf(b, "      # No status here is %q, the one that portfolio.include asks for unless you change it. They are %s:\n"+
			"      # name those that count there, as in `include: status == '%s' and not test`.\n",
			customerStatus, yamlComment(strings.Join(status.Values, ", ")), yamlComment(strings.ReplaceAll(own, "'", "")))
	}
}

// survey writes which survey it was, where no column says so.
func (inf Inference) survey(b *strings.Builder) {
	if inf.Kind != Surveys || inf.mapped("kind") != nil {
		return
	}
	names := strings.ToLower(inf.Name)
	if score := inf.mapped("score"); score != nil {
		names += " " + strings.ToLower(score.Header)
	}
	for _, k := range []steward.SurveyKind{steward.NPS, steward.CSAT} {
		if strings.Contains(names, string(k)) {
			fmt.Fprintf(b, "      defaults: {kind: %s}  # going by its name; csat has scores from 1 to 5, nps from 0 to 10\n", k)
			return
		}
	}
	b.WriteString("      # defaults: {kind: nps}  # or csat, with scores from 1 to 5: no column says which survey it was, and without an answer the import refuses the file\n")
}

// customerStatus is the status that a new workspace's portfolio.include names.
const customerStatus = "customer"

// mapped is the column that the proposal maps to a field, guesses left out; nil
// where there is none.
func (inf Inference) mapped(field string) *Proposal {
	for i, p := range inf.Columns {
		if p.Field == field && p.Confidence != "guess" {
			return &inf.Columns[i]
		}
	}
	return nil
}

// settings writes what the sample proves about the source, and asks for what
// it does not.
func (inf Inference) settings(b *strings.Builder) {
	switch inf.DateOrder {
	case "dmy", "mdy":
		fmt.Fprintf(b, "      date_order: %s\n", inf.DateOrder)
	case "ask":
		b.WriteString("      # date_order: dmy  # or mdy: no date in the sample tells; without an answer the import refuses the file\n")
	case "mixed":
		b.WriteString("      # date_order: dmy  # or mdy: the sample holds dates of both kinds; those that fit both will be rejected\n")
	}
	switch inf.Decimal {
	case ".", ",":
		fmt.Fprintf(b, "      decimal: %q\n", inf.Decimal)
	case "ask":
		b.WriteString("      # decimal: \".\"  # or \",\": no number in the sample tells\n")
	case "mixed":
		b.WriteString("      # decimal: \".\"  # or \",\": the sample holds numbers of both kinds; those that fit both will be rejected\n")
	}
	if key := inf.joinKey(); key != "" {
		fmt.Fprintf(b, "      # via: {file: FILE.csv, key: %s, account: account_id}  # no column holds the account: name a file that tells it for each %s\n", yamlComment(yamlText(key)), yamlComment(key))
	}
	if inf.AccountRepeats {
		b.WriteString("      same_day: sum  # accounts have several rows on one day; or last\n")
	}
}

// joinKey is, for metrics without an account, the column by which another file
// may tell it.
func (inf Inference) joinKey() string {
	key := ""
	for _, p := range inf.Columns {
		if p.Field == "account" {
			return ""
		}
		if inf.Kind == Metrics && p.Repeats && strings.HasSuffix(normalHeader(p.Header), "id") && key == "" {
			key = p.Header
		}
	}
	return key
}

// yamlText is a text as a YAML scalar: as it stands where that is safe.
func yamlText(s string) string {
	plain := s != ""
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_'
		if !letter && (i == 0 || !(r >= '0' && r <= '9' || r == '-' || r == '/' || r == '.')) {
			plain = false
		}
	}
	switch strings.ToLower(s) {
	case "true", "false", "yes", "no", "on", "off", "null", "y", "n":
		plain = false
	}
	if plain {
		return s
	}
	return strconv.Quote(s)
}

// yamlComment keeps a text on the line of its comment.
func yamlComment(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == '\u0085' || r == '\u2028' || r == '\u2029' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}
