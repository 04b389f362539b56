package configs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"steward"
)

func nothing(string) string { return "" }

// load loads a workspace of the two files; an empty text is a missing file.
func load(t *testing.T, workspace, owners string, env map[string]string) (*Workspace, steward.Problems) {
	t.Helper()
	files := fstest.MapFS{}
	if workspace != "" {
		files[FileName] = &fstest.MapFile{Data: []byte(workspace)}
	}
	if owners != "" {
		files["owners.yaml"] = &fstest.MapFile{Data: []byte(owners)}
	}
	return Load(files, "/w", func(name string) string { return env[name] })
}

const somebody = "- {id: dana, name: Dana Reyes, email: dana@example.com}\n"

func told(ps steward.Problems) []string {
	var out []string
	for _, p := range ps {
		out = append(out, p.Error()+" | "+underlined(p))
	}
	return out
}

func underlined(p steward.Problem) string {
	r := []rune(p.Snippet)
	start := min(max(p.Column-1, 0), len(r))
	return string(r[start:min(start+max(p.Length, 1), len(r))])
}

func TestExampleLoads(t *testing.T) {
	w, ps := Load(Example(), "", nothing)
	if len(ps) > 0 {
		t.Fatalf("%d problems: %v", len(ps), told(ps))
	}
	if len(w.Sources) != 2 || len(w.Sources[0].Files) != 4 || w.Sources[1].FreshWithin != 36*time.Hour || w.Sources[0].FreshWithin != 0 {
		t.Errorf("sources %+v", w.Sources)
	}
	if w.Delivery.Mode != steward.Preview || w.Zone.String() != "Europe/Berlin" || len(w.Owners) != 4 || w.Owners[1].Zone.String() != "Europe/Madrid" {
		t.Errorf("workspace %+v", w)
	}
	if len(w.Unset()) != 2 {
		t.Errorf("the two secrets are not set, and told are %v", w.Unset())
	}
}

func TestDefaults(t *testing.T) {
	w, ps := load(t, "zone: UTC\n", somebody, nil)
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	got := []any{w.Schedule, w.StartDeadline, w.Retention, w.Database, w.PreviewDir, w.Listen, w.Delivery.Mode, w.Playbooks, w.Messages, w.Tests, w.Redis.IsZero()}
	want := []any{"0 6 * * *", 12 * time.Hour, 104 * 7 * 24 * time.Hour, "/w/steward.db", "/w/preview", Listen{":8080", "127.0.0.1:8081"}, steward.Preview, "playbooks", "messages", "tests", true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEverySettingArrives(t *testing.T) {
	w, ps := load(t, `
zone: Europe/Madrid
schedule: "30 5 * * mon-fri"
start_deadline: 4h
retention: 26w
ops: "#ops"
redis_env: REDIS
public_url: https://s.example.com/
listen: {public: "0.0.0.0:80", private: off}
database: data/s.db
preview_dir: /var/preview
delivery: {redirect: me@example.com}
fields: {plan: text, seats: number}
metrics: {logins: {kind: count, feature: core}, users: {kind: gauge}, weekly: {kind: gauge, stale_after: 2w}}
portfolio: {include: "status == 'customer'", no_customer_mail: test}
owners: {file: owners.yaml, unowned: "#nobody"}
sources:
  - name: usage-export
    csv:
      metrics: /exports/usage.csv.gz
      columns: {day: Datum, logins: Anmeldungen, account: "Kunden-Nr"}
      defaults: {logins: 0}
      via: {file: subs.csv, key: subscription_id, account: account_id}
      same_day: sum
      date_order: dmy
      decimal: ","
      charset: windows-1252
      delimiter: ";"
    complete_through: 2d
    fresh_within: 3d
    full: true
    account_ids: salesforce
  - name: crm
    jsonl:
      accounts: accounts.jsonl
      contacts: contacts.ndjson
      duplicates: last
      columns: {accounts: {plan: Plan}, contacts: {role: Rolle}}
    complete_through: 2026-03-01
slack: {bot_token_file: /nowhere/token, app_token_env: APP, team: T012AB3CD, api_url: "http://127.0.0.1:99/api"}
email:
  from: '{{ .owner.name }} at Acme <success@mail.example.com>'
  smtp_env: SMTP
  dkim: {domain: example.com, selector: s1, key_env: DKIM}
approvers: dana
crm_link: https://crm.example.com/{id}
playbooks: plays/
`, somebody, map[string]string{"REDIS": "redis://u:p@localhost:6379/1", "SMTP": "smtp://u:p@h:587", "APP": "xapp-1", "DKIM": "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n"})
	if len(ps) > 0 {
		t.Fatal(told(ps))
	}
	wantSources := []Source{
		{Name: "usage-export", SameDay: "sum", DateOrder: "dmy", Decimal: ",", Charset: "windows-1252", Delimiter: ";", AccountIDs: "salesforce", CompleteThrough: "2d", FreshWithin: 72 * time.Hour, Full: true,
			Files: []SourceFile{{Kind: "metrics", Path: "/exports/usage.csv.gz", Columns: map[string]string{"day": "Datum", "logins": "Anmeldungen", "account": "Kunden-Nr"},
				Defaults: map[string]string{"logins": "0"}, Via: &Join{File: "subs.csv", Key: "subscription_id", Account: "account_id"}}}},
		{Name: "crm", CompleteThrough: "2026-03-01", Files: []SourceFile{
			{Kind: "accounts", Path: "accounts.jsonl", Columns: map[string]string{"plan": "Plan"}, Duplicates: "last"},
			{Kind: "contacts", Path: "contacts.ndjson", Columns: map[string]string{"role": "Rolle"}, Duplicates: "last"}}},
	}
	if diff := cmp.Diff(wantSources, w.Sources); diff != "" {
		t.Error(diff)
	}
	wantMetrics := []steward.MetricSpec{{Name: "logins", Kind: steward.Count, Feature: "core"}, {Name: "users", Kind: steward.Gauge, StaleAfter: 10}, {Name: "weekly", Kind: steward.Gauge, StaleAfter: 14}}
	if diff := cmp.Diff(wantMetrics, w.Metrics); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]steward.FieldSpec{{Name: "plan", Kind: steward.TextKind}, {Name: "seats", Kind: steward.NumberKind}}, w.Fields); diff != "" {
		t.Error(diff)
	}
	got := []any{w.Zone.String(), w.Schedule, w.StartDeadline, w.Retention, w.Ops, w.Unowned, w.Redis.Reveal(), w.PublicURL, w.Listen, w.Database, w.PreviewDir, w.Delivery, w.Playbooks, w.CRMLink,
		w.Email.FromName, w.Email.FromAddress, w.Email.SMTP.Reveal(), w.Email.DKIM.Domain, w.Email.DKIM.Key.IsZero(), w.Approvers, w.Slack.Enabled, w.Slack.BotToken.IsZero(), w.Slack.APIURL, w.Slack.AppToken.Reveal(), w.Slack.Team, w.Include.Value, len(w.Unset())}
	want := []any{"Europe/Madrid", "30 5 * * mon-fri", 4 * time.Hour, 26 * 7 * 24 * time.Hour, "#ops", "#nobody", "redis://u:p@localhost:6379/1", "https://s.example.com", Listen{"0.0.0.0:80", "off"}, "/w/data/s.db", "/var/preview",
		Delivery{steward.Redirect, "me@example.com"}, "plays", "https://crm.example.com/{id}", "{owner} at Acme", "success@mail.example.com", "smtp://u:p@h:587", "example.com", false, []steward.OwnerID{"dana"}, true, true, "http://127.0.0.1:99/api/", "xapp-1", "T012AB3CD", "status == 'customer'", 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestMistakesAreToldWhereTheyStand(t *testing.T) {
	for _, tt := range []struct {
		name, workspace, owners string
		want                    []string
	}{
		{"no file", "", somebody, []string{`steward.yaml: there is no such file (run this in the workspace's folder, name the folder, or make one with steward init) | `}},
		{"no owners", "zone: UTC\n", "", []string{`owners.yaml: there is no such file, so no account has an owner who can be reached (write one, with a line such as - {id: dana, name: Dana Reyes, email: dana@example.com}) | `}},
		{"named owners missing", "owners: {file: team.yaml}\n", "", []string{`steward.yaml:1:16: team.yaml: there is no such file (write one, with a line such as - {id: dana, name: Dana Reyes, email: dana@example.com}) | team.yaml`}},
		{"zone", "zone: Berlin\n", somebody, []string{`steward.yaml:1:7: "Berlin" is not a zone that is known (write a zone such as Europe/Berlin, America/New_York or UTC) | Berlin`}},
		{"local zone", "zone: Local\n", somebody, []string{`steward.yaml:1:7: "Local" is not a zone (write a zone such as Europe/Berlin, America/New_York or UTC) | Local`}},
		{"misspelt", "zonee: UTC\n", somebody, []string{`steward.yaml:1:1: "zonee" is not a key of the file (did you mean "zone"?) | zonee`}},
		{"retention", "retention: for ever\n", somebody, []string{`steward.yaml:1:12: retention is not a time to keep things for: "for ever" is not a duration such as 30m, 36h, 14d or 6w (write it as 104w or 730d, or off to keep everything) | for ever`}},
		{"short retention", "retention: 4w\n", somebody, []string{`steward.yaml:1:12: retention is shorter than 90 days, and what was said since then has to be remembered (write 90d or more, or off to keep everything) | 4w`}},
		{"channel", "ops: cs-ops\n", somebody, []string{`steward.yaml:1:6: ops is not a channel: "cs-ops" (write it in quotes with #, such as "#cs-ops") | cs-ops`}},
		{"channel as comment", "ops: #cs-ops\n", somebody, []string{"steward.yaml:1:5: `ops` has no value (a # begins a comment; put it in quotes: \"#cs-ops\") |  "}},
		{"live without url", "delivery: live\nemail: {from: a@example.com, smtp_env: S}\n", somebody, []string{`steward.yaml:1:11: live customer mail needs a public https address, so that people can unsubscribe with one click (set public_url: https://…, or deliver to preview or {redirect: you@example.com}) | live`}},
		{"live over http", "delivery: live\npublic_url: http://x.example.com\nemail: {from: a@example.com, smtp_env: S}\n", somebody, []string{`steward.yaml:1:11: live customer mail needs a public https address, so that people can unsubscribe with one click (set public_url: https://…, or deliver to preview or {redirect: you@example.com}) | live`}},
		{"live with nothing", "delivery: live\n", somebody, []string{`steward.yaml:1:11: delivery is live, but there is neither Slack nor e-mail to deliver with (add slack: or email:, or use preview) | live`}},
		{"redirect nowhere", "delivery: redirect\n", somebody, []string{`steward.yaml:1:11: delivery is redirected, but not where to (write {redirect: you@example.com} or {redirect: "#channel"}) | redirect`}},
		{"redirect without slack", "delivery: {redirect: \"#x\"}\n", somebody, []string{`steward.yaml:1:22: everything is redirected to a Slack channel, but there is no slack: block (add one, or redirect to a mail address) | "#x"`}},
		{"delivery", "delivery: on\n", somebody, []string{`steward.yaml:1:11: "on" is not a way of delivery (write preview, live or {redirect: you@example.com}) | on`}},
		{"paths", "database: ../x.db\nplaybooks: /etc\n", somebody, []string{
			`steward.yaml:1:11: the path leads out of the workspace (write a path below the folder of steward.yaml; data elsewhere is named by an absolute path) | ../x.db`,
			`steward.yaml:2:12: this path has to be inside the workspace (write it relative to steward.yaml) | /etc`}},
		{"names", "fields: {arr: number, Plan: text, role: text, and: flag, x: money}\nmetrics: {x: {kind: count}, y: {kind: counter}, z: {kind: count, stale_after: 2d}, w: {}}\n", somebody, []string{
			`steward.yaml:1:10: "arr" is taken: it is a built-in field of accounts (remove the line: the field is there without being declared) | arr`,
			`steward.yaml:1:23: "Plan" cannot be the name of a field (use lower-case letters, digits and _, beginning with a letter) | Plan`,
			`steward.yaml:1:35: "role" is taken: it is a built-in field of contacts (choose another name, such as our_role) | role`,
			`steward.yaml:1:47: "and" is taken: it is a word of the language (choose another name, such as our_and) | and`,
			`steward.yaml:1:61: "money" is not a kind of field (write text, number, flag or date) | money`,
			`steward.yaml:2:11: "x" is already the name of a field (fields and metrics share one set of names: rename one of them) | x`,
			`steward.yaml:2:39: "counter" is not a kind of metric (write count (a missing day is zero) or gauge (a missing day keeps the last value)) | counter`,
			`steward.yaml:2:49: stale_after of z does nothing: a count carries no value forward (remove it, or make the metric a gauge) | z`,
			`steward.yaml:2:87: "kind" is missing (add kind: …) | {`}},
		{"sources", `sources:
  - {name: A, csv: {accounts: a.xlsx}}
  - {name: b}
  - {name: c, csv: {accounts: a.csv, contacts: c.csv, columns: {id: x}, same_day: add}}
  - {name: c, csv: {accounts: a.csv}}
  - {name: d, csv: {metrics: m.csv, columns: {logins: x, accounts: y}}, complete_through: tomorrow}
  - {name: e, csv: {}}
  - {name: f, csv: {accounts: a.csv, columns: {contacts: {id: x}}, via: {file: j.csv, key: k, account: a}, delimiter: ";;"}}
metrics: {login: {kind: count}}
`, somebody, []string{
			`steward.yaml:2:12: "A" cannot be the name of a source (use lower-case letters, digits, - and _, beginning with a letter) | A`,
			`steward.yaml:2:31: a.xlsx does not look like csv (name a file that ends in .csv, .tsv, .txt, or one of these and .gz) | a.xlsx`,
			`steward.yaml:3:12: the source names no files (add csv: {accounts: accounts.csv} or jsonl: {…}) | b`,
			`steward.yaml:4:64: source c: columns does not say which file it is about (write columns: {accounts: {…}, contacts: {…}}) | {`,
			`steward.yaml:4:83: same_day cannot be "add" (write sum, last, error) | add`,
			`steward.yaml:5:12: the source "c" is given twice; the first is on line 4 (give each source a name of its own) | c`,
			`steward.yaml:6:47: "logins" is not something that metrics have (did you mean "login"? write Steward's name: the header of the file) | logins`,
			`steward.yaml:6:58: "accounts" is not something that metrics have (did you mean "account"? write Steward's name: the header of the file) | accounts`,
			`steward.yaml:6:91: complete_through cannot be "tomorrow" (write yesterday, a lag such as 2d, a date such as 2026-03-12, or column:NAME) | tomorrow`,
			`steward.yaml:7:20: source e: no file is named (add accounts:, contracts:, contacts:, products:, touches:, tickets:, surveys:, objectives:, milestones:, metrics: with a path) | {`,
			`steward.yaml:8:59: columns are given for contacts, of which the source has no file (name the file, or remove the columns) | id`,
			`steward.yaml:8:80: via finds the account of metrics rows, and the source has no metrics file (remove it, or add metrics: …) | j.csv`,
			`steward.yaml:8:119: delimiter cannot be ";;" (write one character in quotes, such as ";", or tab) | ";;"`}},
		{"owners", "zone: UTC\napprovers: [dana, pool, dan, dana]\n", `- {id: dana, name: Dana, email: Dana <dana@example.com>, manager: lea, backup: dana}
- {id: lee, name: Lee, slack: "@lee", zone: Mars}
- {id: lee, name: Again, email: x@example.com}
- {id: pool, pool: cs, name: Pool, claim_within: soon}
- {id: nobody, name: N}
- {id: anon, email: a@example.com}
- {id: gone, name: G, email: g@example.com, away: [2026-08-21..2026-08-03]}
`, []string{
			`owners.yaml:1:33: owner dana: "Dana <dana@example.com>" is not a mail address (write the bare address, such as dana@example.com) | Dana <dana@example.com>`,
			`owners.yaml:1:67: owner dana: the manager "lea" is not in this file (did you mean "lee"?) | lea`,
			`owners.yaml:1:80: owner dana: is their own backup (name somebody else, or remove it) | dana`,
			`owners.yaml:2:31: owner lee: "@lee" is not a Slack member id (copy it from the person's profile in Slack (U012AB3CD), or remove it: Steward looks people up by e-mail) | "@lee"`,
			`owners.yaml:2:45: owner lee: "Mars" is not a zone that is known (write a zone such as Europe/Berlin, America/New_York or UTC) | Mars`,
			`owners.yaml:3:8: owner lee: the id "lee" is given twice; the first is on line 2 (give each owner an id of their own) | lee`,
			`owners.yaml:4:20: owner pool: the pool's channel is not one: "cs" (write it in quotes with #, such as "#cs-smb") | cs`,
			`owners.yaml:4:50: owner pool: "soon" is not how long a card may lie, from 15m to 30d (write a whole number and m, h or d, such as 4h) | soon`,
			`owners.yaml:5:8: owner nobody: there is no way to reach them (add email: … or slack: …) | nobody`,
			`owners.yaml:6:8: owner anon: the name is missing (add name: …, as customers should read it) | anon`,
			`owners.yaml:7:52: owner gone: "2026-08-21..2026-08-03" is not a stretch of days (write first..last, such as 2026-08-03..2026-08-21) | 2026-08-21..2026-08-03`,
			`steward.yaml:2:19: approver "pool" is a pool (name people: an approval is somebody's) | pool`,
			`steward.yaml:2:25: approver "dan" is not in owners.yaml (did you mean "dana"?) | dan`,
			`steward.yaml:2:30: approver "dana" is named twice (remove one) | dana`}},
		{"nameless pool", "zone: UTC\n", "- {id: p, pool: \"#p\"}\n", []string{
			`owners.yaml:1:17: owner p: the pool has no name, so customers would get mail from #p (add name: Customer Success, or what customers call the team) | "#p"`}},
		{"network", "public_url: steward.example.com\ncrm_link: https://crm.example.com/\nlisten: {public: \"8080\", private: \":1\"}\n", somebody, []string{
			`steward.yaml:1:13: public_url is not a web address (write it as https://steward.example.com) | steward.example.com`,
			`steward.yaml:2:11: crm_link has no {id} in it, so every account would link to the same page (put {id} where the account's id belongs) | https://crm.example.com/`,
			`steward.yaml:3:18: "8080" is not an address to listen on (write host:port or :port, such as 127.0.0.1:8081, or off) | "8080"`}},
		{"slack's address", "slack: {bot_token_env: T, api_url: \"http://slack.example.com/\"}\n", somebody, []string{
			`steward.yaml:1:36: api_url would send the token unencrypted (use https; http is for an address of this machine) | "http://slack.example.com/"`}},
		{"one port", "listen: {public: \":1\", private: \":1\"}\n", somebody, []string{
			`steward.yaml:1:33: the private listener has the public one's address (give it a port of its own that customers cannot reach) | ":1"`}},
		{"email", "email: {from: \"{{ owner.nick }} <a@example.com>\", dkim: {domain: other.org, selector: s}}\nslack: {}\n", somebody, []string{
			`steward.yaml: slack: no token is named (add bot_token_env: SLACK_BOT_TOKEN) | `,
			`steward.yaml:1:8: email: no mail server is named (add smtp_env: SMTP_URL) | {`,
			`steward.yaml:1:15: from cannot hold {{ owner.nick }} ({{ owner.name }} is known here) | "{{ owner.nick }} <a@example.com>"`,
			`steward.yaml:1:57: dkim: no key is named (add key_file: /run/secrets/dkim.pem) | {`}},
		{"topics", "email: {from: a@example.com, smtp_env: S, topics: {raport: x, care: \" \", risk: Reports}}\n", somebody, []string{
			`steward.yaml:1:52: there is no kind of mail "raport" (did you mean report?) | raport`,
			`steward.yaml:1:52: readers could not tell risk mail from report mail: both are called "Reports" (give them different names) | raport`,
			`steward.yaml:1:69: care needs a name of up to 60 characters (write what readers should see, such as "Monthly value reports") | " "`}},
		{"a long footer", "email: {from: a@example.com, smtp_env: S, footer: \"" + strings.Repeat("ä", 501) + "\"}\n", somebody, []string{
			"steward.yaml:1:51: the small print is longer than 500 characters (keep to the company's name and address; the letter itself is the message file's) | \"" + strings.Repeat("ä", 501) + "\""}},
		{"dkim alignment", "email: {from: a@example.com, smtp_env: S, dkim: {domain: other.org, selector: s, key_env: K}}\n", somebody, []string{
			`steward.yaml:1:58: mail is signed for other.org but sent from example.com (receivers count a signature only for the sender's own domain: make them agree) | other.org`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, ps := load(t, tt.workspace, tt.owners, nil)
			if diff := cmp.Diff(tt.want, told(ps)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestSecretsAreNeverShown puts secrets in every place that takes one, right
// and wrong, and looks for them in everything that can be printed.
func TestSecretsAreNeverShown(t *testing.T) {
	const secret = "hunter2hunter2"
	dir := t.TempDir()
	file := filepath.Join(dir, "token")
	if err := os.WriteFile(file, []byte("xoxb-"+secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"SMTP": "smtp://u:" + secret + "@h:587", "BAD": secret + "://" + secret, "REDIS": "redis://:" + secret + "@h:1/0", "TOKEN": "xoxp-" + secret}
	for _, workspace := range []string{
		"redis_env: REDIS\nslack: {bot_token_file: " + file + "}\nemail: {from: a@example.com, smtp_env: SMTP}\n",
		"redis: redis://:" + secret + "@h:1/0\n",
		"redis: \"redis://:" + secret + "@h:bad port\"\n",
		"redis: [redis://:" + secret + "@h]\n",
		"redis: redis://:" + secret + "@h:1/0\nredis_env: REDIS\n",
		"redis_url: redis://:" + secret + "@h:1/0\n",
		"redis_env: redis://:" + secret + "@h:1/0\n",
		"redis_env: BAD\nslack: {bot_token_env: BAD}\nemail: {from: a@example.com, smtp_env: BAD, dkim: {domain: example.com, selector: s, key_env: BAD}}\n",
		"slack: {bot_token: xoxb-" + secret + "}\n",
		"slack: {bot_token: " + secret + ", x: y}\n",
		"slack: {token: xoxb-" + secret + "}\n",
		"slack: xoxb-" + secret + "\n",
		"slack: {bot_token_env: xoxb-" + secret + "}\n",
		"slack: {bot_token_env: TOKEN}\n",
		"email: {from: a@example.com, smtp: smtp://u:" + secret + "@h}\n",
		"email: {from: a@example.com, smtp_env: SMTP, password: " + secret + "}\n",
		"email:\n  from: a@example.com\n  smtp: smtp://u:" + secret + "@h\n  smtpp: x: y\n",
		"email: {from: a@example.com, dkim: {domain: a.example, selector: s, key: " + secret + "}}\n",
		"email: smtp://u:" + secret + "@h\n",
		"public_url: https://u:" + secret + "@h.example.com\n",
		"database: x\nsecret: " + secret + "\n",
	} {
		w, ps := load(t, workspace, somebody, env)
		js, err := json.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		problems, _ := json.Marshal(append(ps, w.Unset()...))
		var log bytes.Buffer
		for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
			slog.New(h).Info("loaded", "workspace", w, "slack", w.Slack, "redis", w.Redis, "problems", ps)
		}
		all := strings.Join([]string{fmt.Sprintf("%v %+v %#v", w, w, w), fmt.Sprintf("%v %+v %#v", *w, *w, *w), string(js), string(problems), log.String(), ps.Error(), string(w.Text())}, "\n")
		if strings.Contains(all, secret) {
			t.Errorf("%q is shown by %s", workspace, excerpt(all, secret))
		}
	}
	w, ps := load(t, "slack: {bot_token_file: "+file+"}\nredis: redis://:"+secret+"@h:1/0\n", somebody, env)
	if len(ps) > 0 || w.Slack.BotToken.Reveal() != "xoxb-"+secret || w.Redis.Reveal() != "redis://:"+secret+"@h:1/0" {
		t.Errorf("secrets did not arrive: %v", ps)
	}
}

func excerpt(s, what string) string {
	i := strings.Index(s, what)
	return s[max(0, i-80):min(len(s), i+40)]
}

// TestCoverKeepsColumns checks that a covered text lines up with the one it
// covers, so that carets point at the same place.
func TestCoverKeepsColumns(t *testing.T) {
	src := "zone: é # redis is optional\nredis: redis://:geheimé@h # x\r\nslack: {bot_token: xoxb-1, x: y}\nbot_token_env: NAME\n"
	got := strings.Split(string(cover([]byte(src))), "\n")
	for i, line := range strings.Split(src, "\n") {
		if len([]rune(line)) != len([]rune(got[i])) {
			t.Errorf("line %d: %q became %q", i+1, line, got[i])
		}
	}
	if got[0] != "zone: é # redis is optional" || got[3] != "bot_token_env: NAME" {
		t.Errorf("covered too much: %q", got)
	}
}

func TestAway(t *testing.T) {
	w, _ := load(t, "zone: UTC\n", "- {id: dana, name: D, email: d@example.com, away: [2026-08-03..2026-08-21, 2026-12-24]}\n", nil)
	for day, want := range map[string]bool{"2026-08-02": false, "2026-08-03": true, "2026-08-21": true, "2026-08-22": false, "2026-12-24": true} {
		d, err := steward.ParseDay(day)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.Away("dana", d); got != want {
			t.Errorf("%s: away is %v", day, got)
		}
	}
}

func FuzzLoad(f *testing.F) {
	src, err := example.ReadFile("example/steward.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(src), somebody)
	f.Add("delivery: {redirect: x}\nsources: [{name: a, csv: {metrics: m.csv, columns: {metrics: {day: x}}}}]\n", "- {id: a, pool: \"#x\"}\n- {id: b, away: [x..y]}\n")
	f.Add("email: {from: \"{{ x }} <a@b>\", smtp: x}\nredis: \"\\\\\"\napprovers: [a, a]\n", "[]")
	f.Fuzz(func(t *testing.T, workspace, owners string) {
		files := fstest.MapFS{FileName: &fstest.MapFile{Data: []byte(workspace)}, "owners.yaml": &fstest.MapFile{Data: []byte(owners)}}
		w, ps := Load(files, "", nothing)
		if w == nil || w.Zone == nil {
			t.Fatal("no workspace")
		}
		for _, p := range append(ps, w.Unset()...) {
			text := workspace
			if p.File != FileName {
				text = owners
			}
			if p.Message == "" || p.Line < 0 || p.Line > strings.Count(text, "\n")+strings.Count(text, "\r")+1 || p.Column > len(text)+1 {
				t.Fatalf("%+v in %q", p, text)
			}
		}
	})
}

func TestPrivateIsOpen(t *testing.T) {
	for address, want := range map[string]bool{":8081": true, "0.0.0.0:8081": true, "[::]:8081": true, "10.0.0.4:8081": true, "steward.internal:8081": true,
		"127.0.0.1:8081": false, "127.8.8.8:1": false, "[::1]:8081": false, "localhost:0": false, "off": false} {
		if got := (Listen{Private: address}).PrivateIsOpen(); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
}
