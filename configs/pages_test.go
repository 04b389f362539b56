package configs

import (
	"strings"
	"testing"
)

func TestPages(t *testing.T) {
	const token = "0123456789abcdef01234567"
	env := map[string]string{"T": token, "SHORT": token[1:], "SPACES": "correct horse battery staple"}
	for _, c := range []struct {
		name, workspace string
		url             string
		signsIn, unset  bool
		want            string // in the one problem; "" for none
	}{
		{name: "none", workspace: "zone: UTC\n"},
		{name: "both", workspace: "private_url: https://s.example.com/\naccess: {token_env: T}\n", url: "https://s.example.com", signsIn: true},
		{name: "links alone", workspace: "private_url: http://127.0.0.1:8081\n", url: "http://127.0.0.1:8081"},
		{name: "token alone", workspace: "access: {token_env: T}\n", signsIn: true},
		{name: "not set here", workspace: "access: {token_env: NOT_SET}\n", unset: true},
		{name: "in the clear", workspace: "private_url: http://steward.internal\n", url: "http://steward.internal", want: "travel unencrypted to other machines"},
		{name: "too short", workspace: "access: {token_env: SHORT}\n", want: "does not look like a token"},
		{name: "a sentence", workspace: "access: {token_env: SPACES}\n", want: "does not look like a token"},
		{name: "inline", workspace: "access: {token: " + token + "}\n", want: "does not belong into a file that is kept in git"},
		{name: "unnamed", workspace: "access: {}\n", want: "no token is named"},
		{name: "no address", workspace: "private_url: https://\n", want: "private_url is not a web address"},
		{name: "a path", workspace: "private_url: https://s.example.com/steward\n", want: "private_url has more than a host"},
		{name: "a password", workspace: "private_url: https://u:p@s.example.com\n", want: "private_url has more than a host"},
		{name: "a listener that is off", workspace: "private_url: https://s.example.com\nlisten: {private: \"off\"}\n", want: "leads to a listener that is off"},
		{name: "the public one", workspace: "public_url: https://s.example.com\nprivate_url: https://s.example.com/\n", want: "private_url is the public listener's address"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, ps := load(t, c.workspace, somebody, env)
			if c.want == "" && len(ps) > 0 || c.want != "" && (len(ps) != 1 || !strings.Contains(ps[0].Error(), c.want)) {
				t.Errorf("told are %q, want %q", told(ps), c.want)
			}
			if w.Pages.URL != c.url || !w.Pages.Token.IsZero() != c.signsIn || len(w.Unset()) == 1 != c.unset {
				t.Errorf("got %+v, unset %v", w.Pages, w.Unset())
			}
			for _, p := range ps {
				if strings.Contains(p.Error()+p.Snippet, token) {
					t.Errorf("the token is quoted: %s | %s", p.Error(), p.Snippet)
				}
			}
		})
	}
}
