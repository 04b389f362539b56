package configs

import (
	"slices"

	"steward"
)

// What a source's file can hold, by kind of file, in Steward's own names; the
// fields and metrics that the workspace declares come on top.
var fileNames = map[string][]string{
	"accounts":  accountFields,
	"contracts": append([]string{"notice_days"}, contractFields...),
	"contacts":  {"id", "account", "name", "first_name", "last_name", "email", "role", "locale", "last_seen", "bounced"},
	"touches":   {"id", "account", "contact", "day", "kind", "by"},
	"metrics":   {"account", "day", "metric", "value", "row", "key"},

	"products":   {"id", "account", "name", "plan", "seats", "start_date", "end_date", "features"},
	"tickets":    {"id", "account", "contact", "priority", "opened", "closed", "status"},
	"surveys":    {"id", "account", "contact", "day", "kind", "score"},
	"objectives": {"id", "account", "name", "metric", "baseline", "target", "due", "agreed"},
	"milestones": {"account", "name", "day"},
}

// The built-in fields of conditions. Those of products are not among them: a
// workspace may keep a plan and seats with its accounts, and in a playbook about
// products these names are the product's own.
var (
	accountFields = []string{"id", "name", "parent", "status", "segment", "arr", "currency", "owner", "start_date", "renewal_date",
		"stage", "escalation_level", "contact_policy", "test"}
	// saidFields are accounts' too, and filled by people and not by files.
	saidFields     = []string{steward.PulseField}
	contractFields = []string{"id", "account", "product", "start_date", "end_date", "notice_date", "amount", "auto_renew", "renewed", "cancelled"}
	contactFields  = []string{"name", "email", "role", "locale", "last_seen"}
)

// fileKinds is the kinds of file in the order in which they are read.
var fileKinds = []string{"accounts", "contracts", "contacts", "products", "touches", "tickets", "surveys", "objectives", "milestones", "metrics"}

// languageWords stand in conditions without parentheses and so cannot name a
// field or metric.
var languageWords = []string{"and", "or", "not", "in", "contains", "true", "false", "unknown", "acked", "done", "replied",
	"health", "grade", "stuck", "escalated", "renewing", "days_in_stage"}

// builtIn says what a name already means in conditions; "" when it is free.
// All names share one namespace, so that a condition reads alike everywhere.
func builtIn(name string) string {
	switch {
	case slices.Contains(languageWords, name):
		return "a word of the language"
	case slices.Contains(accountFields, name):
		return "a built-in field of accounts"
	case slices.Contains(saidFields, name):
		return "a built-in field of accounts, which people fill and no file does"
	case slices.Contains(contractFields, name):
		return "a built-in field of contracts"
	case slices.Contains(contactFields, name):
		return "a built-in field of contacts"
	}
	return ""
}

// builtInHint says what to do about a taken name.
func builtInHint(name string) string {
	if slices.Contains(accountFields, name) {
		return "remove the line: the field is there without being declared"
	}
	return "choose another name, such as our_" + name
}

// columnNames is every name that a column of a kind of file can have.
func columnNames(kind string, fields []steward.FieldSpec, metrics []steward.MetricSpec) []string {
	out := slices.Clone(fileNames[kind])
	switch kind {
	case "accounts", "products":
		for _, f := range fields {
			if !slices.Contains(out, f.Name) {
				out = append(out, f.Name)
			}
		}
	case "metrics":
		for _, m := range metrics {
			out = append(out, m.Name)
		}
	}
	return out
}
