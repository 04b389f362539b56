package main

import (
	"encoding/csv"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"steward"
)

// The world of the crash test: a workspace, a portfolio that drops and recovers
// over the simulated days, and people who act. All of it follows from a seed,
// so that the same history can be lived with and without kills.

// crashZone has no change of the clocks in the days lived through.
var crashZone = time.FixedZone("CET", 3600)

// crashBegin is the first simulated day.
var crashBegin = time.Date(2026, 3, 2, 0, 0, 0, 0, crashZone)

// Waits and expiries are six hours past whole days, and so never come due while
// the morning's evaluation runs: then a second evaluation and the minute's work
// would race for them, and the two histories could differ lawfully.
var crashPlaybooks = map[string]string{
	// A nudge, a mail that the owner approves, an escalation and a last word.
	"drop": `
when: drop(logins, 7d) >= 50%
for: 1d
until: recovered(logins, 3d) >= 80%
clear_for: 1d
cooldown: 4d6h
backfill: true
max_new: 100%
steps:
  - {id: nudge, slack: owner, message: nudge}
  - {id: help, email: [champion], message: help, approve: owner, expires: 78h}
  - {wait: 30h, unless: acked}
  - {id: escalate, if: not acked, slack: manager, message: nudge}
  - {wait: 54h}
  - {id: close, slack: owner, message: nudge, on_recovery: continue}
`,
	// Mail that nobody has to approve, beside a card for the team's channel and a
	// call of another system.
	"silence": `
when: quiet_days(logins) >= 2d
cooldown: 3d6h
backfill: true
max_new: 100%
steps:
  - {id: write, email: [champion, admin], message: help, unattended: true, expires: 78h}
  - {id: tell, slack: "#cs", message: nudge}
  - {id: ledger, webhook: ledger}
  - {wait: 30h, unless: acked}
  - {id: again, email: [admin], message: help, unattended: true, expires: 78h}
`,
	// Mail that goes unless somebody stops it, and a task with a reminder.
	"stalled": `
when: last(active_users) / seats < 25%
cooldown: 3d6h
backfill: true
max_new: 100%
steps:
  - {id: invite, email: [champion], message: help, approve: veto 6h, expires: 78h}
  - {wait: 30h, unless: acked}
  - {id: escalate, if: not acked, slack: manager, message: nudge}
  - {id: look, task: owner, message: nudge, due: 2d, remind: every 30h, max: 2}
`,
	// Most of its openings are held, told to ops, and some of them released.
	"swarm": `
when: drop(logins, 5d) >= 40%
until: recovered(logins, 3d) >= 70%
cooldown: 0
max_new: 3
steps:
  - {id: nudge, slack: owner, message: nudge}
  - {wait: 30h}
  - {id: escalate, slack: manager, message: nudge}
`,
	// Never a card of its own: the owner's next digest says it.
	"aside": `
severity: info
when: drop(logins, 7d) >= 30%
until: recovered(logins, 3d) >= 80%
cooldown: 2d6h
backfill: true
max_new: 100%
steps:
  - {id: mention, slack: owner, message: nudge}
  - {wait: 30h}
  - {id: again, slack: owner, message: nudge}
`,
	// Pinned to the dates of a contract.
	"renewal": `
kind: process
about: contract
when: days_until(notice_date) <= 20d and days_until(notice_date) > 0d
cooldown: 0
backfill: true
max_new: 100%
steps:
  - {id: prepare, slack: owner, message: nudge}
  - {id: value, at: notice_date - 12d, if_late: now, email: [champion], message: help, approve: owner, expires: 78h}
  - {id: warn, at: notice_date - 6d, slack: manager, message: nudge}
`,
	// Pending for every account on every day, so that each evaluation is written
	// in more than one batch.
	"watch": `
when: sum(logins, 7d) >= 0
for: 400d
cooldown: 0
steps:
  - {id: nudge, slack: owner, message: nudge}
`,
}

const crashWorkspace = `zone: Etc/GMT-1
limits: {owner: %s}
schedule: "0 6 * * *"
ops: "#cs-ops"
delivery: live
public_url: https://steward.example.com
listen: {public: "127.0.0.1:0", private: "localhost:0"}
fields: {seats: number}
metrics:
  logins: {kind: count}
  active_users: {kind: gauge}
owners: {file: owners.yaml, unowned: "#cs-ops"}
sources:
  - {name: crm, csv: {accounts: data/accounts.csv, contacts: data/contacts.csv, contracts: data/contracts.csv}}
  - {name: usage, csv: {metrics: data/usage.csv}, complete_through: yesterday, fresh_within: 96h}
slack: {bot_token_env: SLACK_BOT_TOKEN, signing_secret_env: SLACK_SIGNING_SECRET, api_url: %q}
email: {from: "{{ owner.name }} <success@example.com>", smtp_env: SMTP_URL}
webhooks: {ledger: {url: %q, secret_env: LEDGER_SECRET}}
%s
`

// crashSecret signs what the ledger is told.
const crashSecret = "whsec_Y3Jhc2gtY3Jhc2gtY3Jhc2gtY3Jhc2gtY3Jhc2g="

// crashWorld is one history.
type crashWorld struct {
	seed     uint64
	days     int
	cards    string // how many an owner gets; off for all
	accounts []crashAccount
}

type crashAccount struct {
	id             string
	logins, people int
	lows           []crashLow
}

// A crashLow is a stretch of days in which an account does less.
type crashLow struct {
	first, last      int // counted from the first simulated day
	logins, percents float64
}

const (
	livelyAccounts = 48
	// crashAccounts is more than one batch of a run takes.
	crashAccounts = 230
	crashHistory  = 30 // days before the first
)

// chance is a number between 0 and 1 that depends on the seed and the parts.
func (w *crashWorld) chance(parts ...string) float64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %q", w.seed, parts)
	return rand.New(rand.NewPCG(w.seed, h.Sum64())).Float64()
}

func newCrashWorld(seed uint64, days int) *crashWorld {
	w := &crashWorld{seed: seed, days: days, cards: "off"}
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range crashAccounts {
		a := crashAccount{id: fmt.Sprintf("a%03d", i), logins: 20 + r.IntN(60), people: 50 + r.IntN(40)}
		for from := -3 + r.IntN(days); i < livelyAccounts && from < days; {
			low := crashLow{first: from, last: from + 3 + r.IntN(7), logins: 0.1 + 0.3*r.Float64(), percents: 1}
			switch r.IntN(4) {
			case 0:
				low.logins = 0
			case 1:
				low.percents = 0.2
			}
			a.lows = append(a.lows, low)
			from = low.last + 6 + r.IntN(10)
		}
		w.accounts = append(w.accounts, a)
	}
	return w
}

// on is what an account did on a day.
func (a crashAccount) on(day int) (logins, people int) {
	for _, low := range a.lows {
		if low.first <= day && day <= low.last {
			return int(float64(a.logins) * low.logins), int(float64(a.people) * low.percents)
		}
	}
	return a.logins, a.people
}

func crashDate(day int) string { return crashBegin.AddDate(0, 0, day).Format(time.DateOnly) }

// files is the workspace's files; the usage export comes day by day.
func (w *crashWorld) files(slackURL, hookURL, queue string) map[string]string {
	out := map[string]string{
		"steward.yaml": fmt.Sprintf(crashWorkspace, w.cards, slackURL, hookURL, queue),
		"owners.yaml": `- {id: lee, name: Lee Okafor, email: lee@example.com}
- {id: kim, name: Kim Sato, email: kim@example.com}
- {id: dana, name: Dana Reyes, email: dana@example.com, slack: U0DANA, manager: lee}
- {id: sam, name: Sam Whitfield, email: sam@example.com, slack: U00SAM, manager: lee, backup: dana}
- {id: ines, name: Ines Moreau, email: ines@example.com, slack: U00INES, manager: kim}
- {id: pool, name: Customer Success, pool: "#cs", manager: kim}
`,
		"messages/nudge.md": "{{ .account.name }} is in less than before. Ask why.\n",
		"messages/help.md":  "---\nfor_roles: [champion, admin]\nsubject: \"{{ .account.name }}: can we help?\"\n---\nHi {{ .contact.first_name }},\n\nis something in the way?\n",
	}
	for name, text := range crashPlaybooks {
		out["playbooks/"+name+".yaml"] = "playbook: " + name + "\ntitle: Playbook " + name + text
	}
	r := rand.New(rand.NewPCG(w.seed, 2))
	owners := []string{"dana", "sam", "ines", "pool", "somebody-else"}
	accounts := [][]string{{"id", "name", "status", "segment", "arr", "owner", "start_date", "seats"}}
	contacts := [][]string{{"id", "account", "name", "email", "role"}}
	contracts := [][]string{{"id", "account", "product", "amount", "start_date", "end_date", "notice_date", "auto_renew"}}
	for i, a := range w.accounts {
		accounts = append(accounts, []string{a.id, "Account " + a.id, "customer", "enterprise", strconv.Itoa(1000 * (1 + r.IntN(90))), owners[min(r.IntN(21)/5, 4)], "2024-05-01", "100"})
		if i >= livelyAccounts {
			continue
		}
		for _, role := range []string{"champion", "admin"} {
			contacts = append(contacts, []string{a.id + "-" + role, a.id, "Ada " + a.id, crashAddress(a.id, role), role})
		}
		if i%4 == 0 {
			contracts = append(contracts, []string{"c-" + a.id, a.id, "Suite", "20000", "2025-06-01", crashDate(90), crashDate(10 + r.IntN(20)), "no"})
		}
	}
	for name, rows := range map[string][][]string{"accounts": accounts, "contacts": contacts, "contracts": contracts} {
		out["data/"+name+".csv"] = csvText(rows)
	}
	return out
}

func crashAddress(account, role string) string { return role + "@" + account + ".example" }

// usage is the export of a day's morning: the days before it, in the first the
// whole history and later the last week.
func (w *crashWorld) usage(day int) string {
	from := day - 7
	if day == 0 {
		from = -crashHistory
	}
	rows := [][]string{{"account", "day", "logins", "active_users"}}
	for d := from; d < day; d++ {
		for _, a := range w.accounts {
			logins, people := a.on(d)
			rows = append(rows, []string{a.id, crashDate(d), strconv.Itoa(logins), strconv.Itoa(people)})
		}
	}
	return csvText(rows)
}

func csvText(rows [][]string) string {
	var b strings.Builder
	out := csv.NewWriter(&b)
	_ = out.WriteAll(rows) // a strings.Builder takes everything
	return b.String()
}

// leaving is the address that is taken off all mail on a day; "" for nobody's.
func (w *crashWorld) leaving(day int) string {
	var busy []crashAccount // with something going on, so that there is mail to be kept back
	for _, a := range w.accounts[:livelyAccounts] {
		for _, low := range a.lows {
			if low.first <= day && day <= low.last+2 {
				busy = append(busy, a)
			}
		}
	}
	if len(busy) == 0 {
		return ""
	}
	a := busy[int(w.chance("leaves", strconv.Itoa(day))*float64(len(busy)))]
	return crashAddress(a.id, []string{"champion", "admin"}[day/2%2])
}

// writeWhole puts a file in the place of another at once, as exports should come.
func writeWhole(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// The hours of a simulated day at which something is due: the evaluation and
// what it begins, what people do, and the ends of waits and vetoes. What ends six
// hours after one of them, or up to two more where kills made it late, ends
// before the next but one and never near the evaluation.
var crashHours = []struct {
	name  string
	after time.Duration // midnight
}{
	{"morning", 6*time.Hour + 30*time.Second},
	{"people", 11*time.Hour + 45*time.Minute},
	{"evening", 20 * time.Hour},
	{"night", 28*time.Hour + 15*time.Minute},
}

func crashSlot(day int) steward.Slot {
	return steward.SlotAt(crashBegin.AddDate(0, 0, day).Add(6 * time.Hour))
}
