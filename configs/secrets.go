package configs

import (
	"encoding/pem"
	"fmt"
	"io/fs"
	"net"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"steward"
	"steward/configs/strictyaml"
)

// maxSecret is the longest secret that is read from a file: a private key of
// any size in use fits many times.
const maxSecret = 64 << 10

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// A secretRef is a setting that holds a secret: by the name of a variable, by
// the path of a file, or, where that is allowed, as it stands.
type secretRef struct {
	name              string // the setting, without _env and _file
	inline, env, file strictyaml.Scalar
	inlineAllowed     bool
	shape             func(string) bool
	want              string // what the secret looks like, for people
}

// given tells whether the file names the secret in any way.
func (r secretRef) given() bool {
	return !r.inline.Pos.IsZero() || !r.env.Pos.IsZero() || !r.file.Pos.IsZero()
}

// secret resolves a reference. No message quotes what it found: what is wrong
// with a secret is told by naming where it came from.
func (l *loader) secret(r secretRef) steward.Secret {
	if !r.inline.Pos.IsZero() && !r.inlineAllowed {
		l.wrong(r.inline, r.name+" does not belong into a file that is kept in git",
			fmt.Sprintf("put it into an environment variable and name that: %s_env: %s", r.name, strings.ToUpper(r.name)))
		return steward.Secret{}
	}
	if l.severalForms(r) {
		return steward.Secret{}
	}
	text, from, ok := l.secretText(r)
	if !ok {
		return steward.Secret{}
	}
	if text = strings.TrimSpace(text); !r.shape(text) {
		l.wrong(from, fmt.Sprintf("what %s leads to does not look like a %s", from.Value, r.name), "it should look like "+r.want)
		return steward.Secret{}
	}
	return steward.NewSecret(text)
}

func (l *loader) severalForms(r secretRef) bool {
	var forms []strictyaml.Scalar
	for _, s := range []strictyaml.Scalar{r.inline, r.env, r.file} {
		if !s.Pos.IsZero() {
			forms = append(forms, s)
		}
	}
	if len(forms) < 2 {
		return false
	}
	l.wrong(forms[1], fmt.Sprintf("%s is given in more than one way", r.name), fmt.Sprintf("keep one of %s_env and %s_file", r.name, r.name))
	return true
}

// secretText is a secret's text and the setting it came from, which is named
// instead of the text in problems.
func (l *loader) secretText(r secretRef) (text string, from strictyaml.Scalar, ok bool) {
	switch {
	case !r.inline.Pos.IsZero():
		return r.inline.Value, strictyaml.Scalar{Value: "`" + r.name + "`", Pos: r.inline.Pos}, true
	case !r.env.Pos.IsZero():
		if !variableName.MatchString(r.env.Value) {
			covered := strictyaml.Scalar{Value: "x", Pos: r.env.Pos}
			l.wrong(covered, r.name+"_env holds something else than the name of an environment variable",
				"write the variable's name, and if a secret stood here, replace it: it is in the file's history")
			return "", from, false
		}
		text = l.getenv(r.env.Value)
		if text == "" {
			l.unset(r.env, fmt.Sprintf("the environment variable %s is not set", r.env.Value), "set it for the worker: "+r.want)
			return "", from, false
		}
		return text, r.env, true
	case !r.file.Pos.IsZero():
		b, err := l.secretFile(r.file)
		if err != nil {
			l.unset(r.file, fmt.Sprintf("%s: %s", r.file.Value, reading(err)), "put the secret into that file, readable by the worker: "+r.want)
			return "", from, false
		}
		return string(b), r.file, b != nil
	}
	return "", from, false
}

// secretFile reads a secret's file: on the machine where its path is absolute
// (as container platforms mount them), else in the workspace.
func (l *loader) secretFile(v strictyaml.Scalar) ([]byte, error) {
	if filepath.IsAbs(v.Value) {
		return limited(os.DirFS(filepath.Dir(v.Value)), filepath.Base(v.Value))
	}
	name, ok := l.inside(v)
	if !ok {
		return nil, nil
	}
	return limited(l.fsys, name)
}

func limited(fsys fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxSecret {
		return nil, fmt.Errorf("it is not a file of at most %d KiB", maxSecret>>10)
	}
	return fs.ReadFile(fsys, name)
}

// unset keeps a secret that is not there for those who need it; see
// Workspace.Unset.
func (l *loader) unset(v strictyaml.Scalar, message, hint string) {
	l.w.unset = append(l.w.unset, v.Problem(FileName, "", message, hint, l.src))
}

// urlShape accepts addresses with one of the schemes. Parsing errors are not
// passed on: they quote the address, password and all.
func urlShape(schemes ...string) func(string) bool {
	return func(s string) bool {
		u, err := url.Parse(s)
		if err != nil || strings.ContainsAny(s, " \t\r\n") {
			return false
		}
		for _, scheme := range schemes {
			if u.Scheme == scheme {
				return u.Host != "" || u.Path != "" && strings.HasSuffix(scheme, "socket")
			}
		}
		return false
	}
}

func tokenShape(s string) bool {
	return strings.HasPrefix(s, "xoxb-") && !strings.ContainsAny(s, " \t\r\n")
}

func keyShape(s string) bool {
	block, _ := pem.Decode([]byte(s))
	return block != nil && strings.HasSuffix(block.Type, "PRIVATE KEY")
}

func (l *loader) slack(b *slackBlock) {
	if b == nil {
		return
	}
	l.w.Slack.Enabled = true
	l.pictures(b.picturesKey)
	r := secretRef{name: "bot_token", inline: b.BotToken, env: b.BotTokenEnv, file: b.BotTokenFile, shape: tokenShape, want: "xoxb-…, a bot token from Slack's app settings"}
	if !r.given() {
		l.problems = append(l.problems, steward.Problem{File: FileName, About: "slack", Message: "no token is named", Hint: "add bot_token_env: SLACK_BOT_TOKEN"})
	}
	l.w.Slack.BotToken = l.secret(r)
	if v := b.APIURL; v.Value != "" {
		u, err := url.Parse(v.Value)
		switch {
		case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Scheme != "https" && u.Scheme != "http":
			l.wrong(v, "api_url is not a web address", "write it as https://slack-gov.com/api/, or remove it")
		case u.Scheme == "http" && !loopback(u.Hostname()):
			l.wrong(v, "api_url would send the token unencrypted", "use https; http is for an address of this machine")
		default:
			l.w.Slack.APIURL = strings.TrimSuffix(v.Value, "/") + "/"
		}
	}
	l.slackInbound(b.inboundKeys)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (l *loader) email(b *emailBlock) {
	if b == nil {
		return
	}
	e := &l.w.Email
	e.Enabled = true
	if b.From.Value != "" {
		e.FromName, e.FromAddress = l.sender(b.From)
	}
	r := secretRef{name: "smtp", inline: b.SMTP, env: b.SMTPEnv, file: b.SMTPFile, shape: urlShape("smtp", "smtps"), want: "smtp://user:password@mail.example.com:587"}
	if !r.given() {
		l.problems = append(l.problems, b.Pos.Problem(FileName, "email", 1, "no mail server is named", "add smtp_env: SMTP_URL", l.src))
	}
	e.SMTP = l.secret(r)
	if b.DKIM != nil {
		l.dkim(b.DKIM)
	}
	l.letters(b.letterKeys)
	l.mailbox(b.mailboxKeys)
}

func (l *loader) dkim(b *dkimBlock) {
	r := secretRef{name: "key", inline: b.Key, env: b.KeyEnv, file: b.KeyFile, shape: keyShape, want: "a private key in PEM, -----BEGIN PRIVATE KEY-----"}
	if !r.given() {
		l.problems = append(l.problems, b.Pos.Problem(FileName, "dkim", 1, "no key is named", "add key_file: /run/secrets/dkim.pem", l.src))
	}
	e := &l.w.Email
	e.DKIM = DKIM{Domain: strings.ToLower(b.Domain.Value), Selector: b.Selector.Value, Key: l.secret(r)}
	_, domain, _ := strings.Cut(strings.ToLower(e.FromAddress), "@")
	if e.DKIM.Domain != "" && domain != "" && domain != e.DKIM.Domain && !strings.HasSuffix(domain, "."+e.DKIM.Domain) {
		l.advise(b.Domain, "dkim-alignment", fmt.Sprintf("mail is signed for %s but sent from %s", e.DKIM.Domain, domain),
			"receivers count a signature only for the sender's own domain: make them agree")
	}
}

var placeholder = regexp.MustCompile(`\{\{\s*\.?([a-z_.]+)\s*\}\}`)

// sender reads `{{ owner.name }} <success@example.com>` into a display name,
// with {owner} where the CSM's name belongs, and an address.
func (l *loader) sender(v strictyaml.Scalar) (name, address string) {
	text := strings.TrimSpace(v.Value)
	if i := strings.LastIndexByte(text, '<'); i >= 0 && strings.HasSuffix(text, ">") {
		name, address = strings.TrimSpace(text[:i]), text[i+1:len(text)-1]
	} else {
		address = text
	}
	if a, err := mail.ParseAddress(address); err != nil || a.Address != address {
		l.wrong(v, "from has no mail address in it", `write "{{ owner.name }} <success@example.com>"`)
		return "", ""
	}
	name = strings.Trim(name, `"`)
	for _, m := range placeholder.FindAllStringSubmatch(name, -1) {
		if m[1] != "owner.name" {
			l.wrong(v, fmt.Sprintf("from cannot hold %s", m[0]), "{{ owner.name }} is known here")
			return "", ""
		}
		name = strings.ReplaceAll(name, m[0], "{owner}")
	}
	if strings.ContainsAny(name, "\r\n<>") || strings.Contains(name, "{{") {
		l.wrong(v, "from is not a name and an address", `write "{{ owner.name }} <success@example.com>"`)
		return "", ""
	}
	return name, address
}

// What stands for a secret where one was found in a text that is shown.
var (
	secretLine = regexp.MustCompile(`(?mi)^(.*?\b(?:redis|smtp|imap|[a-z_]*(?:token|secret|password|passwd|api_?key))["']?\s*:[ \t]*)([^\s{,][^\r\n]*)`)
	secretKey  = regexp.MustCompile(`(\bkey["']?\s*:[ \t]*["']?)([A-Za-z0-9+/=-]{12,})`)
	secretPEM  = regexp.MustCompile(`(?m)-----BEGIN[^\r\n]*|^[ \t]*[A-Za-z0-9+/=]{40,}[ \t]*\r?$`)
	secretURL  = regexp.MustCompile(`://[^\s/]*@`)
	secretWord = regexp.MustCompile(`(?:(?:xox[a-z]|xapp)-[A-Za-z0-9]|whsec_[A-Za-z0-9+/])[^\s"',}]*`)
)

// coverText hides what may be a secret, each character by one dot, so that
// carets still point at the right column.
func coverText(s string) string {
	dots := func(t string) string { return strings.Repeat("•", len([]rune(t))) }
	for _, pattern := range []*regexp.Regexp{secretLine, secretKey} {
		s = pattern.ReplaceAllStringFunc(s, func(m string) string {
			parts := pattern.FindStringSubmatch(m)
			return parts[1] + dots(parts[2])
		})
	}
	s = secretPEM.ReplaceAllStringFunc(s, dots)
	s = secretURL.ReplaceAllStringFunc(s, func(m string) string { return "://" + dots(m[3:len(m)-1]) + "@" })
	return secretWord.ReplaceAllStringFunc(s, dots)
}

// cover is a file's text with what may be secrets hidden, line by line.
func cover(src []byte) []byte { return []byte(coverText(string(src))) }

// coverAll hides what may be secrets in everything a problem shows: somebody
// may have put one where it does not belong.
func coverAll(ps steward.Problems) steward.Problems {
	for i := range ps {
		p := &ps[i]
		p.Snippet = coverText(p.Snippet)
		p.Message = secretWord.ReplaceAllString(secretURL.ReplaceAllString(p.Message, "://•@"), "•")
		p.Hint = secretWord.ReplaceAllString(p.Hint, "•")
	}
	return ps
}
