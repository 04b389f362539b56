package configs

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/mail"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"steward"
	"steward/configs/strictyaml"
)

// What holds where the file does not say.
const (
	defaultSchedule      = "0 6 * * *"
	defaultStartDeadline = 12 * time.Hour
	defaultDatabase      = "steward.db"
	defaultPreviewDir    = "preview"
	defaultPublic        = ":8080"
	defaultPrivate       = "127.0.0.1:8081"
	defaultOwners        = "owners.yaml"
	defaultFreshWithin   = 36 * time.Hour
	defaultRetention     = 104 * 7 * 24 * time.Hour
)

// leastRetention is how far back limits on what a person is sent may look;
// what is younger has to be remembered.
const leastRetention = 90 * 24 * time.Hour

// workspaceFile is steward.yaml as it is written.
type workspaceFile struct {
	Zone          strictyaml.Scalar                     `yaml:"zone" doc:"Whose calendar days are meant everywhere, such as Europe/Berlin. Default UTC." examples:"Europe/Berlin;America/New_York;UTC"`
	Schedule      strictyaml.Scalar                     `yaml:"schedule" doc:"When playbooks are evaluated: minute, hour, day of month, month, weekday. Default 0 6 * * *." examples:"0 6 * * *"`
	StartDeadline *strictyaml.Duration                  `yaml:"start_deadline" doc:"How late a missed evaluation may still begin. Default 12h."`
	Ops           strictyaml.Scalar                     `yaml:"ops" doc:"The channel that hears about Steward itself, in quotes." pattern:"^#[^ #@<>&,]{1,79}$" want:"write it in quotes with #, such as \"#cs-ops\""`
	Redis         strictyaml.Scalar                     `yaml:"redis" doc:"The queue's Redis, such as redis://localhost:6379/0. Without one the queue lives inside the worker."`
	RedisEnv      strictyaml.Scalar                     `yaml:"redis_env" doc:"The variable that holds the Redis address."`
	RedisFile     strictyaml.Scalar                     `yaml:"redis_file" doc:"The file that holds the Redis address."`
	PublicURL     strictyaml.Scalar                     `yaml:"public_url" doc:"The https address at which customers reach the public listener; live mail needs it." pattern:"^https?://" want:"write it as https://steward.example.com"`
	Listen        listenBlock                           `yaml:"listen" doc:"Where the two HTTP listeners bind."`
	Database      strictyaml.Scalar                     `yaml:"database" doc:"The SQLite file. Default steward.db."`
	Retention     strictyaml.Scalar                     `yaml:"retention" doc:"For how long what is over is kept, at least 90d, or off for ever. Default 104w." examples:"104w;off"`
	Delivery      deliveryValue                         `yaml:"delivery" doc:"How far messages travel: preview writes files, redirect sends everything to one place, live sends. Default preview."`
	PreviewDir    strictyaml.Scalar                     `yaml:"preview_dir" doc:"Where previews are written. Default preview."`
	Fields        strictyaml.Entries[strictyaml.Scalar] `yaml:"fields" doc:"Fields of accounts beyond the built-in ones: text, number, flag or date." values:"text|number|flag|date"`
	Metrics       strictyaml.Entries[metricBlock]       `yaml:"metrics" doc:"Daily figures of accounts, each a count or a gauge."`
	Health        *healthBlock                          `yaml:"health" doc:"How the health of an account is worked out; left out, nobody knows it."`
	Journey       *journeyBlock                         `yaml:"journey" doc:"The stages that accounts pass through, their milestones, and conditions with names."`
	Portfolio     portfolioBlock                        `yaml:"portfolio" doc:"Which accounts Steward acts on, and whose people it never writes to."`
	Hold          []holdBlock                           `yaml:"hold" doc:"One voice: mail of some purposes waits while a condition on the account holds."`
	Owners        ownersBlock                           `yaml:"owners" doc:"Where the people are who look after accounts."`
	Sources       []sourceBlock                         `yaml:"sources" doc:"Where data comes from: sets of files, each imported whole or not at all."`
	Slack         *slackBlock                           `yaml:"slack" doc:"How to speak in Slack."`
	Email         *emailBlock                           `yaml:"email" doc:"How to send mail."`
	Approvers     strictyaml.OneOrMore                  `yaml:"approvers" doc:"Owners who may approve any mail, beside its owner, their backup and manager."`
	CRMLink       strictyaml.Scalar                     `yaml:"crm_link" doc:"The address of an account in the CRM with {id} in it; cards link to it." examples:"https://crm.example.com/accounts/{id}"`
	Playbooks     strictyaml.Scalar                     `yaml:"playbooks" doc:"The folder of playbooks. Default playbooks."`
	Messages      strictyaml.Scalar                     `yaml:"messages" doc:"The folder of messages. Default messages."`
	Tests         strictyaml.Scalar                     `yaml:"tests" doc:"The folder of tests. Default tests."`

	Accept      []strictyaml.Accepted `yaml:"accept" doc:"Lints that are not followed in this file and owners.yaml, each with the reason."`
	webhookKeys `yaml:",inline"`
	pageKeys    `yaml:",inline"`
	Manners     mannersKeys `yaml:",inline"`

	attentionKeys `yaml:",inline"`
}

type listenBlock struct {
	Public  strictyaml.Scalar `yaml:"public" doc:"Where the unsubscribe page is served, or off. Default :8080." examples:":8080;off"`
	Private strictyaml.Scalar `yaml:"private" doc:"Where health and metrics are served, or off. Default 127.0.0.1:8081." examples:"127.0.0.1:8081;off"`
}

type portfolioBlock struct {
	Include        strictyaml.Text `yaml:"include" doc:"Which accounts Steward acts on. Default status == 'customer' and not test."`
	NoCustomerMail strictyaml.Text `yaml:"no_customer_mail" doc:"Whose people are never mailed. Default nobody."`
}

type ownersBlock struct {
	File    strictyaml.Scalar `yaml:"file" doc:"The owners' file. Default owners.yaml."`
	Unowned strictyaml.Scalar `yaml:"unowned" doc:"The channel for accounts that nobody in the owners' file owns, in quotes. Default what ops says."`
}

type metricBlock struct {
	Kind       strictyaml.Scalar    `yaml:"kind,required" doc:"count: a missing day is zero once its source declares it complete. gauge: a missing day keeps the last value." enum:"count|gauge"`
	StaleAfter *strictyaml.Duration `yaml:"stale_after" doc:"For how long a gauge keeps its last value. Default 10d."`
	Feature    string               `yaml:"feature" doc:"The product feature that the metric is use of."`
}

type slackBlock struct {
	BotToken     strictyaml.Scalar `yaml:"bot_token" doc:"Refused: name a variable or a file, as this file is kept in git."`
	BotTokenEnv  strictyaml.Scalar `yaml:"bot_token_env" doc:"The variable that holds the bot token (xoxb-…)."`
	BotTokenFile strictyaml.Scalar `yaml:"bot_token_file" doc:"The file that holds the bot token (xoxb-…)."`
	APIURL       strictyaml.Scalar `yaml:"api_url" doc:"Another address than Slack's, for GovSlack or a proxy."`

	inboundKeys `yaml:",inline"`
	picturesKey `yaml:",inline"`
}

type emailBlock struct {
	Pos      strictyaml.Pos    `yaml:",pos"`
	From     strictyaml.Scalar `yaml:"from,required" doc:"The sender; in its name, {{ owner.name }} is the CSM's." examples:"{{ owner.name }} <success@example.com>"`
	SMTP     strictyaml.Scalar `yaml:"smtp" doc:"Refused: name a variable or a file, as this file is kept in git."`
	SMTPEnv  strictyaml.Scalar `yaml:"smtp_env" doc:"The variable that holds the mail server's address, smtp://user:password@host:587 or smtps://…"`
	SMTPFile strictyaml.Scalar `yaml:"smtp_file" doc:"The file that holds the mail server's address."`
	DKIM     *dkimBlock        `yaml:"dkim" doc:"Signs mail for a domain."`

	letterKeys  `yaml:",inline"`
	mailboxKeys `yaml:",inline"`
}

type dkimBlock struct {
	Pos      strictyaml.Pos    `yaml:",pos"`
	Domain   strictyaml.Scalar `yaml:"domain,required" doc:"The domain that mail is signed for."`
	Selector strictyaml.Scalar `yaml:"selector,required" doc:"The selector under which the public key is found in DNS."`
	Key      strictyaml.Scalar `yaml:"key" doc:"Refused: name a variable or a file, as this file is kept in git."`
	KeyEnv   strictyaml.Scalar `yaml:"key_env" doc:"The variable that holds the private key, in PEM."`
	KeyFile  strictyaml.Scalar `yaml:"key_file" doc:"The file that holds the private key, in PEM."`
}

// deliveryValue is `preview`, `live` or `{redirect: ADDRESS}`.
type deliveryValue struct {
	Mode strictyaml.Scalar
	To   strictyaml.Scalar
}

type redirectBlock struct {
	Redirect strictyaml.Scalar `yaml:"redirect,required" doc:"The mail address or #channel that gets everything."`
}

// DecodeYAML reads one of the three forms.
func (v *deliveryValue) DecodeYAML(d *strictyaml.Decoder, n *strictyaml.Node) {
	var block redirectBlock
	if len(n.Content) > 0 {
		d.Decode(n, &block)
		if !block.Redirect.Pos.IsZero() {
			*v = deliveryValue{Mode: strictyaml.Scalar{Value: string(steward.Redirect), Pos: strictyaml.PosOf(n)}, To: block.Redirect}
		}
		return
	}
	d.Decode(n, &v.Mode)
	if to, ok := strings.CutPrefix(v.Mode.Value, "redirect:"); ok { // "redirect: ops@example.com" in quotes
		v.To = strictyaml.Scalar{Value: strings.TrimSpace(to), Pos: v.Mode.Pos}
		v.Mode.Value = string(steward.Redirect)
	}
}

// A loader is one reading of a workspace.
type loader struct {
	fsys   fs.FS
	getenv func(string) string
	w      *Workspace
	src    []byte
	// owners is the text of the owners' file, under its name.
	ownersFile string
	ownersText []byte
	problems   steward.Problems
	// baseHours is when people work as the file says, for owners who differ.
	baseHours hoursBlock
}

// Load reads the workspace whose files are in fsys and whose folder on this
// machine is root ("" for an embedded one). Variables that hold secrets come
// from getenv.
//
// It returns every problem of both files at once; among them warnings, which
// stop nothing. The workspace is never nil: after errors it holds what could
// be read, so that the other files can be checked against it in the same
// breath, and must not be run.
func Load(fsys fs.FS, root string, getenv func(string) string) (*Workspace, steward.Problems) {
	l := &loader{fsys: fsys, getenv: getenv, w: &Workspace{Dir: root, Zone: time.UTC}}
	var f workspaceFile
	src, err := fs.ReadFile(fsys, FileName)
	if err != nil {
		p := steward.Problem{File: FileName, Message: reading(err), Hint: "run this in the workspace's folder, name the folder, or make one with steward init"}
		l.defaults()
		return l.w, steward.Problems{p}
	}
	l.src = src
	l.problems = strictyaml.Decode(FileName, src, &f)
	l.read(&f)
	l.w.text = cover(src)
	return l.w, coverAll(l.problems).Sorted()
}

// reading says why a file could not be read.
func reading(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such file"
	case errors.Is(err, fs.ErrPermission):
		return "the file may not be read by this user"
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return "cannot be read: " + err.Error()
}

func (l *loader) read(f *workspaceFile) {
	l.clock(f)
	l.network(f)
	l.places(f)
	l.names(f)
	l.w.Include, l.w.NoCustomerMail = f.Portfolio.Include, f.Portfolio.NoCustomerMail
	l.manners(f.Manners)
	l.digest(f.Digest)
	l.holds(f.Hold)
	l.sources(f.Sources)
	l.w.Ops = l.channel(f.Ops, "ops")
	l.w.Unowned = l.channel(f.Owners.Unowned, "unowned")
	if l.w.Unowned == "" {
		l.w.Unowned = l.w.Ops
	}
	l.owners(f.Owners)
	l.health(f.Health)
	l.journey(f.Journey) // after the owners, whom stages name
	l.approvers(f.Approvers)
	l.slack(f.Slack)
	l.email(f.Email)
	l.webhooks(f.webhookKeys)
	l.pages(f.pageKeys, f.Listen)
	l.delivery(f)
	l.buttons(f.Slack)
	l.defaults()
	l.accept(f.Accept)
	l.folders()
}

// folders tells of a folder that is there and cannot be read, such as a link
// out of the workspace. One that is not there is for those who miss it.
func (l *loader) folders() {
	for _, name := range []string{l.w.Playbooks, l.w.Messages, l.w.Tests} {
		if _, err := fs.Stat(l.fsys, name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			l.problems = append(l.problems, steward.Problem{File: name, Message: reading(err), Hint: "put the folder itself into the workspace, or name another one in " + FileName})
		}
	}
}

// defaults fills in what neither the file nor a mistake in it has set.
func (l *loader) defaults() {
	w := l.w
	for _, d := range []struct {
		setting *string
		value   string
	}{
		{&w.Schedule, defaultSchedule}, {&w.Database, w.Path(defaultDatabase)}, {&w.PreviewDir, w.Path(defaultPreviewDir)},
		{&w.Listen.Public, defaultPublic}, {&w.Listen.Private, defaultPrivate},
		{&w.Playbooks, "playbooks"}, {&w.Messages, "messages"}, {&w.Tests, "tests"},
	} {
		if *d.setting == "" {
			*d.setting = d.value
		}
	}
	if w.StartDeadline == 0 {
		w.StartDeadline = defaultStartDeadline
	}
	if w.Delivery.Mode == "" {
		w.Delivery.Mode = steward.Preview
	}
}

// wrong tells a mistake about a value of steward.yaml.
func (l *loader) wrong(s strictyaml.Scalar, message, hint string) {
	if len(l.problems) < strictyaml.MaxProblems {
		l.problems = append(l.problems, s.Problem(FileName, "", message, hint, l.src))
	}
}

// advise tells a warning about a value of steward.yaml.
func (l *loader) advise(s strictyaml.Scalar, lint, message, hint string) {
	p := s.Problem(FileName, "", message, hint, l.src)
	p.Lint = lint
	l.problems = append(l.problems, p)
}

func (l *loader) clock(f *workspaceFile) {
	if f.Zone.Value != "" {
		zone, err := loadZone(f.Zone.Value)
		if err != nil {
			l.wrong(f.Zone, err.Error(), zoneHint)
		} else {
			l.w.Zone = zone
		}
	}
	l.w.Schedule, l.w.SchedulePos = strings.TrimSpace(f.Schedule.Value), f.Schedule.Pos
	if f.StartDeadline != nil {
		l.w.StartDeadline = f.StartDeadline.Std()
	}
	l.w.Retention = l.retention(f.Retention)
}

// retention reads a duration, or off for "for ever".
func (l *loader) retention(v strictyaml.Scalar) time.Duration {
	switch v.Value {
	case "":
		return defaultRetention
	case "off":
		return 0
	}
	d, err := strictyaml.ParseDuration(v.Value)
	switch {
	case err != nil:
		l.wrong(v, "retention is not a time to keep things for: "+err.Error(), "write it as 104w or 730d, or off to keep everything")
	case d.Std() < leastRetention:
		l.wrong(v, "retention is shorter than 90 days, and what was said since then has to be remembered", "write 90d or more, or off to keep everything")
	}
	return d.Std()
}

const zoneHint = "write a zone such as Europe/Berlin, America/New_York or UTC"

// loadZone loads a zone by name. "Local" is refused: the same files must mean
// the same on every machine.
func loadZone(name string) (*time.Location, error) {
	if name == "" || strings.EqualFold(name, "local") {
		return nil, fmt.Errorf("%q is not a zone", name)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%q is not a zone that is known", name)
	}
	return zone, nil
}

func (l *loader) network(f *workspaceFile) {
	if f.PublicURL.Value != "" {
		l.w.PublicURL = l.publicURL(f.PublicURL)
	}
	if v := f.CRMLink; v.Value != "" {
		u, err := url.Parse(strings.ReplaceAll(v.Value, "{id}", "id"))
		switch {
		case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
			l.wrong(v, "crm_link is not a web address", "write it as https://crm.example.com/accounts/{id}")
		case !strings.Contains(v.Value, "{id}"):
			l.wrong(v, "crm_link has no {id} in it, so every account would link to the same page", "put {id} where the account's id belongs")
		default:
			l.w.CRMLink = v.Value
		}
	}
	l.w.Listen = Listen{Public: l.address(f.Listen.Public), Private: l.address(f.Listen.Private)}
	if a := l.w.Listen; a.Public != "" && a.Public != "off" && a.Public == a.Private {
		l.wrong(f.Listen.Private, "the private listener has the public one's address", "give it a port of its own that customers cannot reach")
	}
	l.w.Redis = l.secret(secretRef{
		name: "redis", inline: f.Redis, env: f.RedisEnv, file: f.RedisFile, inlineAllowed: true,
		shape: urlShape("redis", "rediss", "redis-socket", "redis-sentinel"), want: "redis://host:6379/0",
	})
}

func (l *loader) publicURL(v strictyaml.Scalar) string {
	u, err := url.Parse(v.Value)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		l.wrong(v, "public_url is not a web address", "write it as https://steward.example.com")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		l.wrong(v, "public_url has more than a host and a path", "leave out user names, ? and #")
	default:
		return strings.TrimRight(v.Value, "/")
	}
	return ""
}

func (l *loader) address(v strictyaml.Scalar) string {
	if v.Value == "" || v.Value == "off" {
		return v.Value
	}
	if _, port, err := net.SplitHostPort(v.Value); err != nil || port == "" {
		l.wrong(v, fmt.Sprintf("%q is not an address to listen on", v.Value), "write host:port or :port, such as 127.0.0.1:8081, or off")
		return ""
	}
	return v.Value
}

func (l *loader) places(f *workspaceFile) {
	l.w.Database = l.place(f.Database)
	l.w.PreviewDir = l.place(f.PreviewDir)
	for _, d := range []struct {
		setting *string
		value   strictyaml.Scalar
	}{{&l.w.Playbooks, f.Playbooks}, {&l.w.Messages, f.Messages}, {&l.w.Tests, f.Tests}} {
		if d.value.Value == "" {
			continue
		}
		if name, ok := l.inside(d.value); ok {
			*d.setting = name
		}
	}
}

// place is a path on this machine: absolute, or inside the workspace.
func (l *loader) place(v strictyaml.Scalar) string { return l.w.Path(l.data(v)) }

// data is a path as Workspace.Path takes it: absolute, or inside the workspace
// and relative to it; "" after a problem.
func (l *loader) data(v strictyaml.Scalar) string {
	if v.Value == "" || filepath.IsAbs(v.Value) {
		return v.Value
	}
	name, _ := l.inside(v)
	return name
}

// inside is a slash path inside the workspace, or a problem.
func (l *loader) inside(v strictyaml.Scalar) (string, bool) {
	name := path.Clean(strings.TrimSuffix(v.Value, "/"))
	switch {
	case strings.Contains(v.Value, `\`) && filepath.Separator == '/':
		l.wrong(v, "the path has backslashes in it", "write it with /")
	case filepath.IsAbs(v.Value):
		l.wrong(v, "this path has to be inside the workspace", "write it relative to "+FileName)
	case !fs.ValidPath(name):
		l.wrong(v, "the path leads out of the workspace", "write a path below the folder of "+FileName+"; data elsewhere is named by an absolute path")
	default:
		return name, true
	}
	return "", false
}

var plainName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

func (l *loader) names(f *workspaceFile) {
	seen := map[string]string{}
	check := func(k strictyaml.Scalar, what string) bool {
		switch {
		case !plainName.MatchString(k.Value):
			l.wrong(k, fmt.Sprintf("%q cannot be the name of a %s", k.Value, what), "use lower-case letters, digits and _, beginning with a letter")
		case builtIn(k.Value) != "":
			l.wrong(k, fmt.Sprintf("%q is taken: it is %s", k.Value, builtIn(k.Value)), builtInHint(k.Value))
		case seen[k.Value] != "":
			l.wrong(k, fmt.Sprintf("%q is already the name of a %s", k.Value, seen[k.Value]), "fields and metrics share one set of names: rename one of them")
		default:
			seen[k.Value] = what
			return true
		}
		return false
	}
	for _, e := range f.Fields {
		kind, ok := steward.ParseKind(e.Value.Value)
		if ok = ok && kind != steward.DurationKind; !ok && !e.Value.Pos.IsZero() {
			l.wrong(e.Value, fmt.Sprintf("%q is not a kind of field", e.Value.Value), "write text, number, flag or date")
		}
		if check(e.Key, "field") && ok {
			l.w.Fields = append(l.w.Fields, steward.FieldSpec{Name: e.Key.Value, Kind: kind})
		}
	}
	for _, e := range f.Metrics {
		spec, ok := l.metric(e)
		if !ok {
			// It is wrong, and it is there: playbooks that read it are not told that
			// it is missing.
			spec.Kind = steward.Count
		}
		if check(e.Key, "metric") {
			l.w.Metrics = append(l.w.Metrics, spec)
		}
	}
}

func (l *loader) metric(e strictyaml.Entry[metricBlock]) (steward.MetricSpec, bool) {
	m := steward.MetricSpec{Name: e.Key.Value, Kind: steward.MetricKind(e.Value.Kind.Value), Feature: e.Value.Feature}
	stale := e.Value.StaleAfter
	switch m.Kind {
	case steward.Gauge:
		m.StaleAfter = steward.DefaultStaleAfter
		if stale != nil {
			m.StaleAfter = stale.WholeDays()
			if stale.Days() < 1 {
				l.wrong(e.Key, "stale_after of "+m.Name+" is shorter than a day", "write whole days, such as 10d")
				return m, false
			}
		}
	case steward.Count:
		if stale != nil {
			l.wrong(e.Key, "stale_after of "+m.Name+" does nothing: a count carries no value forward", "remove it, or make the metric a gauge")
			return m, false
		}
	default:
		if !e.Value.Kind.Pos.IsZero() {
			l.wrong(e.Value.Kind, fmt.Sprintf("%q is not a kind of metric", e.Value.Kind.Value), "write count (a missing day is zero) or gauge (a missing day keeps the last value)")
		}
		return m, false
	}
	return m, true
}

// channel is a Slack channel by its name.
func (l *loader) channel(v strictyaml.Scalar, what string) string {
	if v.Value == "" {
		return ""
	}
	if !isChannel(v.Value) {
		l.wrong(v, fmt.Sprintf("%s is not a channel: %q", what, v.Value), `write it in quotes with #, such as "#cs-ops"`)
		return ""
	}
	return v.Value
}

func isChannel(s string) bool {
	name, ok := strings.CutPrefix(s, "#")
	return ok && name != "" && len(name) <= 80 && !strings.ContainsAny(name, " #@<>&\t\n,")
}

// isAddress tells a bare mail address, without a name around it.
func isAddress(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s && !strings.ContainsAny(s, "\r\n")
}

func (l *loader) approvers(list strictyaml.OneOrMore) {
	for _, v := range list {
		id := steward.OwnerID(v.Value)
		o, ok := l.w.Owner(id)
		switch {
		case !ok:
			l.wrong(v, fmt.Sprintf("approver %q is not in %s", v.Value, l.ownersFile), nearestOwner(v.Value, l.w.Owners))
		case o.Pool != "":
			l.wrong(v, fmt.Sprintf("approver %q is a pool", v.Value), "name people: an approval is somebody's")
		case slices.Contains(l.w.Approvers, id):
			l.wrong(v, fmt.Sprintf("approver %q is named twice", v.Value), "remove one")
		default:
			l.w.Approvers = append(l.w.Approvers, id)
		}
	}
}

func nearestOwner(id string, owners []steward.Owner) string {
	ids := make([]string, len(owners))
	for i, o := range owners {
		ids[i] = string(o.ID)
	}
	if near := steward.Nearest(id, ids); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "add them to the owners' file, or name somebody who is in it"
}

// delivery checks the mode against what there is to deliver with.
func (l *loader) delivery(f *workspaceFile) {
	mode, to := f.Delivery.Mode, f.Delivery.To
	w := l.w
	switch steward.DeliveryMode(mode.Value) {
	case "", steward.Preview:
		return
	case steward.Live:
		if f.Slack == nil && f.Email == nil && len(f.Webhooks) == 0 {
			l.wrong(mode, "delivery is live, but there is neither Slack nor e-mail to deliver with", "add slack: or email:, or use preview")
		}
		if f.Email != nil && !strings.HasPrefix(w.PublicURL, "https://") {
			l.wrong(mode, "live customer mail needs a public https address, so that people can unsubscribe with one click",
				"set public_url: https://…, or deliver to preview or {redirect: you@example.com}")
		}
	case steward.Redirect:
		if to.Pos.IsZero() {
			l.wrong(mode, "delivery is redirected, but not where to", `write {redirect: you@example.com} or {redirect: "#channel"}`)
			return
		}
		w.Delivery.RedirectTo = to.Value
		switch {
		case isChannel(to.Value):
			if f.Slack == nil {
				l.wrong(to, "everything is redirected to a Slack channel, but there is no slack: block", "add one, or redirect to a mail address")
			}
		case isAddress(to.Value):
			if f.Email == nil {
				l.wrong(to, "everything is redirected to a mail address, but there is no email: block", "add one, or redirect to a #channel")
			}
		default:
			l.wrong(to, "delivery is redirected to what is neither a mail address nor a #channel", `write {redirect: you@example.com} or {redirect: "#channel"}`)
		}
	default:
		l.wrong(mode, fmt.Sprintf("%q is not a way of delivery", mode.Value), "write preview, live or {redirect: you@example.com}")
		return
	}
	w.Delivery.Mode = steward.DeliveryMode(mode.Value)
}
