package configs

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHowSlackIsListenedTo(t *testing.T) {
	env := map[string]string{"T": "xoxb-1", "APP": "xapp-1-A0-1-x", "SIGN": "8f742231b10e8888abcd99yyyzzz85a5"}
	for name, c := range map[string]struct {
		keys            string
		listens, called bool
		app, signing    string
		team            string
	}{
		"not at all":  {"", false, false, "", "", ""},
		"Socket Mode": {", app_token_env: APP", true, false, env["APP"], "", ""},
		"HTTP":        {", signing_secret_env: SIGN, team: T012AB3CD", true, true, "", env["SIGN"], "T012AB3CD"},
		"both":        {", app_token_env: APP, signing_secret_env: SIGN", true, false, env["APP"], env["SIGN"], ""},
		"not here":    {", app_token_env: ELSEWHERE", true, false, "", "", ""},
	} {
		w, ps := load(t, "slack: {bot_token_env: T"+c.keys+"}\n", somebody, env)
		if len(ps) > 0 {
			t.Errorf("%s: %v", name, told(ps))
		}
		s := w.Slack
		if s.Listens() != c.listens || s.Called() != c.called || s.AppToken.Reveal() != c.app || s.SigningSecret.Reveal() != c.signing || s.Team != c.team {
			t.Errorf("%s: listens %v, called %v, %q %q %q", name, s.Listens(), s.Called(), s.AppToken.Reveal(), s.SigningSecret.Reveal(), s.Team)
		}
	}
}

func TestMistakesInListeningToSlack(t *testing.T) {
	env := map[string]string{"T": "xoxb-1", "APP": "xapp-1", "SIGN": "8f742231b10e8888abcd99yyyzzz85a5"}
	for name, c := range map[string]struct {
		file string
		want []string
	}{
		"in the file": {"slack: {bot_token_env: T, app_token: xapp-1, signing_secret: abc}\n", []string{
			`steward.yaml:1:38: app_token does not belong into a file that is kept in git (put it into an environment variable and name that: app_token_env: APP_TOKEN) | ••••••`,
			`steward.yaml:1:62: signing_secret does not belong into a file that is kept in git (put it into an environment variable and name that: signing_secret_env: SIGNING_SECRET) | •••`}},
		"mixed up": {"slack: {bot_token_env: T, app_token_env: T}\n", []string{
			`steward.yaml:1:42: what T leads to does not look like a app_token (it should look like xapp-…, an app-level token with the scope connections:write, from Basic Information in Slack's app settings) | T`}},
		"a token for a secret": {"slack: {bot_token_env: T, signing_secret_env: APP}\n", []string{
			`steward.yaml:1:47: what APP leads to does not look like a signing_secret (it should look like 32 hexadecimal digits, from Basic Information in Slack's app settings) | APP`}},
		"a team's name": {"slack: {bot_token_env: T, app_token_env: APP, team: acme}\n", []string{
			`steward.yaml:1:53: "acme" is not the id of a Slack workspace (it begins with T, as in https://app.slack.com/client/T012AB3CD; or leave it out) | acme`}},
		"nowhere to call": {"listen: {public: off}\nslack: {bot_token_env: T, signing_secret_env: SIGN}\n", []string{
			`steward.yaml:2:47: Slack is to call Steward, and the public listener is off (open listen.public, or use app_token_env, which needs none) | SIGN`}},
	} {
		_, ps := load(t, c.file, somebody, env)
		if diff := cmp.Diff(c.want, told(ps)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestCardsThatNobodyCanAnswer(t *testing.T) {
	env := map[string]string{"T": "xoxb-1", "APP": "xapp-1"}
	for file, want := range map[string]int{
		"slack: {bot_token_env: T}\n":                                                   0,
		"delivery: live\nslack: {bot_token_env: T}\n":                                   1,
		"delivery: {redirect: \"#x\"}\nslack: {bot_token_env: T}\n":                     1,
		"delivery: live\nslack: {bot_token_env: T, app_token_env: APP}\n":               0,
		"delivery: live\nslack: {bot_token_env: T, app_token_env: UNSET}\n":             0,
		"delivery: live\nwebhooks: {crm: {url: https://a.example, secret_env: HOOK}}\n": 0,
	} {
		_, ps := load(t, file, somebody, env)
		n := 0
		for _, p := range ps {
			if p.Lint == "no-buttons" {
				n++
			}
		}
		if n != want {
			t.Errorf("%q: told %d times: %v", file, n, told(ps))
		}
	}
}

func TestManifestForHTTP(t *testing.T) {
	socket, http := SlackManifest(""), SlackManifest("https://s.acme.example/st/")
	for _, want := range []string{"\n      url: https://s.acme.example/st/slack/commands\n", "\n    request_url: https://s.acme.example/st/slack/interactions\n", "socket_mode_enabled: false"} {
		if !strings.Contains(http, want) {
			t.Errorf("the manifest for HTTP lacks %q:\n%s", want, http)
		}
	}
	for _, no := range []string{"\n      url:", "\n    request_url:", "socket_mode_enabled: false"} {
		if strings.Contains(socket, no) {
			t.Errorf("the manifest for Socket Mode has %q:\n%s", no, socket)
		}
	}
}
