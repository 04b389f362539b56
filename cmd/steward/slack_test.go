package main

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"steward"
	"steward/configs"
	"steward/notify"
	"steward/notify/notifytest"
)

// The scopes of the bot are named in three places for three readers: the program
// that needs them, the manifest that asks for them, and the page for who grants
// them.
func TestScopesAreTheSameEverywhere(t *testing.T) {
	want := notify.BotScopes()
	slices.Sort(want)
	var manifest struct {
		OAuth struct {
			Scopes struct{ Bot []string }
		} `yaml:"oauth_config"`
	}
	for _, at := range []string{"", "https://steward.example.com"} {
		if err := yaml.Unmarshal([]byte(configs.SlackManifest(at)), &manifest); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, manifest.OAuth.Scopes.Bot); diff != "" {
			t.Errorf("the manifest asks for other scopes (-program +manifest):\n%s", diff)
		}
	}
	_, asked, _ := strings.Cut(docText(t, "docs/operations.md"), "makes the app, with the scopes ")
	asked, _, _ = strings.Cut(asked, ". ")
	var named []string
	for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(asked, -1) {
		named = append(named, m[1])
	}
	slices.Sort(named)
	if diff := cmp.Diff(want, named); diff != "" {
		t.Errorf("docs/operations.md names other scopes (-program +page):\n%s", diff)
	}
}

// What the manifest tells Slack to call is what is answered.
func TestTheManifestNamesWhatIsServed(t *testing.T) {
	o := newOutpost(t, "")
	out, _ := o.command(exitFine, "slack-manifest", "--http")
	for _, path := range []string{notify.InteractionsPath, notify.CommandsPath} {
		if !strings.Contains(out, "https://steward.example.com"+path+"\n") {
			t.Errorf("the manifest does not name %s:\n%s", path, out)
		}
	}
	if strings.Contains(out, "socket_mode_enabled: true") {
		t.Errorf("the manifest for HTTP asks for Socket Mode:\n%s", out)
	}
	o.write("steward.yaml", "zone: UTC\n")
	o.write("owners.yaml", "[]\n")
	if out, _ = o.command(exitFine, "slack-manifest"); !strings.Contains(out, "socket_mode_enabled: true") {
		t.Errorf("the manifest is not for Socket Mode:\n%s", out)
	}
	if _, errs := o.command(exitFailed, "slack-manifest", "--http"); !strings.Contains(errs, "names no public_url") {
		t.Errorf("said: %s", errs)
	}
}

// hearing is an outpost to which Slack tells what people press.
func hearing(t *testing.T, way string) *outpost {
	o := newOutpost(t, "")
	o.slack.Now = o.now
	key := "bot_token_env: SLACK_BOT_TOKEN, app_token_env: SLACK_APP_TOKEN"
	o.env["SLACK_APP_TOKEN"] = "xapp-1-A0-live"
	if way == "http" {
		key = "bot_token_env: SLACK_BOT_TOKEN, signing_secret_env: SLACK_SIGNING_SECRET"
		o.env["SLACK_SIGNING_SECRET"] = "8f742231b10e8888abcd99yyyzzz85a5"
	}
	o.edit("steward.yaml", "bot_token_env: SLACK_BOT_TOKEN", key)
	return o
}

// edit changes one thing in a file.
func (o *outpost) edit(name, old, new string) {
	o.Helper()
	text, err := os.ReadFile(filepath.Join(o.dir, name))
	o.must(err)
	if !bytes.Contains(text, []byte(old)) {
		o.Fatalf("%s has no %q", name, old)
	}
	o.write(name, strings.Replace(string(text), old, new, 1))
}

// listen has Slack tell what people do by the way that the worker listens.
func (o *outpost) listen(way string, how notifytest.Inbound) {
	o.Helper()
	how.AppToken = o.env["SLACK_APP_TOKEN"]
	if way == "http" {
		how.Callbacks, how.Secret = o.public, o.env["SLACK_SIGNING_SECRET"]
	}
	o.slack.SetInbound(how)
	if way == "socket" {
		o.wait("Slack is connected", func() bool { n, _ := o.slack.Connections(); return n == 1 })
	}
}

// cardAbout is where the card of an account is in somebody's channel.
func (o *outpost) cardAbout(account, channel string) notifytest.Click {
	o.Helper()
	var c notifytest.Click
	o.wait("the card arrives", func() bool {
		for _, v := range of(o.outreach(), steward.Card, steward.AccountID(account)) {
			for _, p := range o.slack.Posts() {
				if p.ID == string(v.ID) && p.Channel == channel {
					c = notifytest.Click{Channel: p.Channel, TS: p.TS}
				}
			}
		}
		return c.TS != ""
	})
	return c
}

// shown is what a message shows now.
func (o *outpost) shown(c notifytest.Click) string {
	for _, p := range o.slack.Posts() {
		if p.Channel == c.Channel && p.TS == c.TS {
			return string(p.Blocks)
		}
	}
	return ""
}

// A click on a card takes what it is about, for everybody to see, whichever way
// Slack tells of it and however often.
func TestAClickTakesTheCard(t *testing.T) {
	for _, way := range []string{"socket", "http"} {
		t.Run(way, func(t *testing.T) {
			o := hearing(t, way)
			o.start()
			defer o.stop()
			c := o.cardAbout("acme", "D0DANA")
			o.listen(way, notifytest.Inbound{Times: 5, Deaf: 2})
			if status, body := o.get(o.private + "/readyz"); status != http.StatusOK || !strings.Contains(body, "ok    slack inbound") {
				t.Fatalf("/readyz: %d\n%s", status, body)
			}
			c.User, c.Label = "U0DANA", "Take it"
			told, err := o.slack.Press(c)
			o.must(err)
			if !told.Taken {
				t.Fatalf("the click was not taken: %+v\n%s", told, o.logs)
			}
			o.wait("the card says who has it", func() bool { return strings.Contains(o.shown(c), "Taken by Dana Reyes") })
			if n := strings.Count(o.logs.String(), `"done by a person"`); n != 1 {
				t.Errorf("told %d times, it was done %d times", told.Tellings, n)
			}

			// Somebody whom nobody knows changes nothing, and is told whom to ask.
			o.slack.AddUser("U0MAL", "mallory@elsewhere.example")
			o.listen(way, notifytest.Inbound{})
			said := len(o.slack.Whispers())
			stranger := c
			stranger.User, stranger.Label = "U0MAL", o.anyButton(c)
			told, err = o.slack.Press(stranger)
			o.must(err)
			o.wait("they are told", func() bool { return len(o.slack.Whispers()) > said })
			if w := o.slack.Whispers()[said]; !told.Taken || w.User != "U0MAL" || !strings.Contains(w.Text, "U0MAL") || !strings.Contains(w.Text, "owners.yaml") {
				t.Errorf("told %+v, whispered %+v", told, w)
			}
			if way == "http" {
				o.listen(way, notifytest.Inbound{Forge: true})
				if told, err = o.slack.Press(stranger); err != nil || told.Taken || told.Status != http.StatusUnauthorized {
					t.Errorf("a forged call: %+v, %v", told, err)
				}
			}
			if n := strings.Count(o.logs.String(), `"done by a person"`); n != 1 {
				t.Errorf("%d things were done", n)
			}
			_, body := o.get(o.private + "/metrics")
			for _, want := range []string{"steward_slack_listening 1", `steward_gestures_total{outcome="answered"} 2`} {
				if !strings.Contains(body, want) {
					t.Errorf("/metrics has no %s", want)
				}
			}
			for _, secret := range []string{o.env["SLACK_APP_TOKEN"], o.env["SLACK_SIGNING_SECRET"], "xoxb-live-token"} {
				if secret != "" && strings.Contains(o.logs.String(), secret) {
					t.Error("the log holds a secret")
				}
			}
		})
	}
}

// anyButton is the label of some button that a message still has.
func (o *outpost) anyButton(c notifytest.Click) string {
	o.Helper()
	m := regexp.MustCompile(`"type":"button","text":\{"type":"plain_text","text":"([^"]+)"`).FindStringSubmatch(o.shown(c))
	if m == nil {
		o.Fatalf("the card has no button:\n%s", o.shown(c))
	}
	return m[1]
}

// A command is answered to whoever typed it, and what a form asks for arrives: the
// card is done with, for everybody.
func TestACommandAndAForm(t *testing.T) {
	for _, way := range []string{"socket", "http"} {
		t.Run(way, func(t *testing.T) {
			o := hearing(t, way)
			o.start()
			defer o.stop()
			c := o.cardAbout("acme", "D0DANA")
			o.listen(way, notifytest.Inbound{})
			for words, want := range map[string]string{"help": "/steward mine", "acme": "Acme", "nobody-has-this-name": "nobody-has-this-name"} {
				said := len(o.slack.Whispers())
				if told := o.slack.Command("U0DANA", "C0CS", "/steward", words); !told.Taken {
					t.Fatalf("/steward %s: %+v", words, told)
				}
				o.wait("an answer to /steward "+words, func() bool { return len(o.slack.Whispers()) > said })
				if w := o.slack.Whispers()[said]; w.User != "U0DANA" || w.Channel != "C0CS" || !strings.Contains(w.Text+string(w.Blocks), want) {
					t.Errorf("/steward %s is answered with %+v", words, w)
				}
			}
			c.User, c.Label = "U0DANA", "Done"
			if told, err := o.slack.Press(c); err != nil || !told.Taken {
				t.Fatalf("%+v, %v\n%s", told, err, o.shown(c))
			}
			o.wait("a form opens", func() bool { return len(o.slack.Views()) == 1 })
			view := o.slack.Views()[0]
			o.listen(way, notifytest.Inbound{Times: 3})
			told, err := o.slack.Submit(view.ID, map[string]string{"choice": "talked", "text": "Ana is back next week"})
			if err != nil || !told.Taken || len(told.Wrong) > 0 {
				t.Fatalf("%+v, %v\n%s", told, err, view.View)
			}
			o.wait("the card is done with", func() bool { return strings.Contains(o.shown(c), "talked to them: Ana is back next week") })
		})
	}
}

// What is pressed while the worker is down was not taken, and what is pressed on
// one is known to the next.
func TestClicksOutliveTheWorker(t *testing.T) {
	o := hearing(t, "socket")
	o.start()
	c := o.cardAbout("acme", "D0DANA")
	c.User, c.Label = "U0DANA", "Take it"
	o.listen("socket", notifytest.Inbound{})
	o.stop()

	// Slack tells again, with growing distances; the next worker is up by then.
	var pressing sync.WaitGroup
	var told notifytest.Told
	pressing.Go(func() { told, _ = o.slack.Press(c) })
	pressing.Wait()
	if told.Taken {
		t.Fatalf("nobody is there, and it was taken: %+v", told)
	}
	o.start()
	defer o.stop()
	o.listen("socket", notifytest.Inbound{})
	if told, err := o.slack.Press(c); err != nil || !told.Taken {
		t.Fatalf("%+v, %v", told, err)
	}
	o.wait("the card says who has it", func() bool { return strings.Contains(o.shown(c), "Taken by Dana Reyes") })
}

// Without a way for clicks to come back, cards have no buttons, and the worker
// says so once.
func TestCardsWithoutAWayBackHaveNoButtons(t *testing.T) {
	o := newOutpost(t, "")
	o.start()
	defer o.stop()
	c := o.cardAbout("acme", "D0DANA")
	if shown := o.shown(c); strings.Contains(shown, `"button"`) || strings.Contains(shown, `"static_select"`) || strings.Contains(shown, `"overflow"`) {
		t.Errorf("the card has buttons:\n%s", shown)
	}
	if n := strings.Count(o.logs.String(), "cards have no buttons"); n != 1 {
		t.Errorf("it was said %d times", n)
	}
	if _, body := o.get(o.private + "/readyz"); strings.Contains(body, "slack inbound") {
		t.Errorf("/readyz speaks of what is not set up:\n%s", body)
	}
}
