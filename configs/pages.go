package configs

import (
	"net/url"
	"strings"

	"steward"
	"steward/configs/strictyaml"
)

// Pages is where people of ours look at accounts, and what lets them in.
type Pages struct {
	// URL is where they reach the private listener, without a trailing slash; ""
	// for nowhere, and then cards link to no page.
	URL string
	// Token is typed once to sign in; the zero Secret lets nobody in but by the
	// links of cards. Asked tells whether the file names one: it may still be unset
	// in this environment.
	Token steward.Secret
	Asked bool
}

// Enabled tells that there are pages at all.
func (p Pages) Enabled() bool { return p.URL != "" || p.Asked }

// pageKeys are the workspace's keys for pages.
type pageKeys struct {
	PrivateURL strictyaml.Scalar `yaml:"private_url" doc:"The address at which CSMs reach the private listener; cards link to the account's page there." pattern:"^https?://" want:"write it as https://steward.internal.example.com"`
	Access     *accessBlock      `yaml:"access" doc:"What lets people sign in to the pages of accounts and the queue."`
}

type accessBlock struct {
	Pos       strictyaml.Pos    `yaml:",pos"`
	Token     strictyaml.Scalar `yaml:"token" doc:"Refused: name a variable or a file, as this file is kept in git."`
	TokenEnv  strictyaml.Scalar `yaml:"token_env" doc:"The variable that holds the access token: at least 24 characters, none of them a space."`
	TokenFile strictyaml.Scalar `yaml:"token_file" doc:"The file that holds the access token."`
}

// leastToken is how long an access token is at least: too long to be guessed,
// however patiently, and nothing that a person thinks up.
const leastToken = 24

func accessShape(s string) bool {
	return len(s) >= leastToken && len(s) <= 256 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// pages reads where pages are and what lets people in.
func (l *loader) pages(k pageKeys, listen listenBlock) {
	p := &l.w.Pages
	if b := k.Access; b != nil {
		p.Asked = true
		r := secretRef{name: "token", inline: b.Token, env: b.TokenEnv, file: b.TokenFile, shape: accessShape,
			want: "24 or more letters and digits, as this makes one: openssl rand -hex 24"}
		if !r.given() && !b.Pos.IsZero() {
			l.problems = append(l.problems, b.Pos.Problem(FileName, "access", 1, "no token is named", "add token_env: STEWARD_ACCESS_TOKEN", l.src))
		}
		p.Token = l.secret(r)
	}
	v := k.PrivateURL
	if v.Value == "" {
		return
	}
	u, err := url.Parse(v.Value)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		l.wrong(v, "private_url is not a web address", "write it as https://steward.internal.example.com")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "":
		l.wrong(v, "private_url has more than a host", "leave out user names, paths, ? and #")
	case listen.Private.Value == "off":
		l.wrong(v, "private_url leads to a listener that is off", "open it with listen: {private: \"127.0.0.1:8081\"}, or remove private_url")
	case l.w.PublicURL != "" && strings.TrimRight(v.Value, "/") == l.w.PublicURL:
		l.wrong(v, "private_url is the public listener's address", "give the private listener a name of its own that customers cannot reach")
	default:
		p.URL = strings.TrimRight(v.Value, "/")
		if u.Scheme == "http" && !loopback(u.Hostname()) {
			l.advise(v, "pages-in-the-clear", "pages with names of customers travel unencrypted to other machines", "put a proxy with TLS in front of the private listener, and write https")
		}
	}
}
