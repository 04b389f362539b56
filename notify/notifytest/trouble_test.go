package notifytest

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/smtp"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// slackPost posts as any client would, and says what came back.
func slackPost(s *SlackServer, id string) string {
	resp, err := http.PostForm(s.URL()+"chat.postMessage", url.Values{
		"token": {"x"}, "channel": {"#cs"}, "text": {"x"}, "blocks": {`[{"type":"divider"}]`}, "mrkdwn": {"false"},
		"metadata": {`{"event_type":"x","event_payload":{"id":"` + id + `"}}`},
	})
	if err != nil {
		return "lost"
	}
	defer resp.Body.Close()
	var body bytes.Buffer
	_, _ = body.ReadFrom(resp.Body) // a body that is cut short reads as what there is of it
	if strings.Contains(body.String(), `"ok":true`) {
		return "ok"
	}
	return fmt.Sprint(resp.StatusCode, strings.TrimSpace(body.String()))
}

func mailTo(s *SMTPServer, id string) string {
	raw := "Message-ID: <" + id + "@example.com>\r\nSubject: x\r\n\r\nx\r\n"
	err := smtp.SendMail(s.ln.Addr().String(), nil, "a@example.com", []string{id + "@example.net"}, []byte(raw))
	if err != nil {
		return err.Error()
	}
	return "ok"
}

// What a message meets is the same in every run, whatever the order in which
// messages come.
func TestTroubleIsTheSameInEveryRun(t *testing.T) {
	const messages, tries = 40, 3
	trouble := Trouble{Seed: 7, Share: 0.6, Slow: time.Millisecond}
	run := func(order []int, senders int) (answers map[string][]string, posts []string) {
		s := StartSlack()
		defer s.Close()
		s.Trouble(trouble)
		answers = map[string][]string{}
		var mu sync.Mutex
		var wg sync.WaitGroup
		work := make(chan int)
		for range senders {
			wg.Go(func() {
				for n := range work {
					id := fmt.Sprintf("m-%d", n)
					for range tries {
						a := slackPost(s, id)
						mu.Lock()
						answers[id] = append(answers[id], a)
						mu.Unlock()
					}
				}
			})
		}
		for _, n := range order {
			work <- n
		}
		close(work)
		wg.Wait()
		for _, p := range s.Posts() {
			posts = append(posts, p.ID)
		}
		slices.Sort(posts)
		return answers, posts
	}
	var order []int
	for n := range messages {
		order = append(order, n)
	}
	answers, posts := run(order, 1)
	slices.Reverse(order)
	again, postsAgain := run(order, 8)
	seen := map[string]int{}
	for id, a := range answers {
		if !slices.Equal(a, again[id]) {
			t.Errorf("%s met %q, and then %q", id, a, again[id])
		}
		for _, one := range a {
			seen[one]++
		}
	}
	if !slices.Equal(posts, postsAgain) {
		t.Errorf("taken %d posts, and then %d", len(posts), len(postsAgain))
	}
	if len(seen) < 6 || seen["ok"] < messages*tries/5 || seen["ok"] > messages*tries*3/5 {
		t.Errorf("answers %v; want about half of them ok, and all kinds of trouble", seen)
	}
	if len(posts) <= seen["ok"] {
		t.Errorf("%d taken and %d said to be: nothing failed after it was taken", len(posts), seen["ok"])
	}
}

func TestMailMeetsTrouble(t *testing.T) {
	s, err := StartSMTP(SMTPOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.Trouble(Trouble{Seed: 3, Share: 0.7, Slow: time.Millisecond})
	said := map[string]int{}
	oks := map[string]bool{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for n := range 30 {
				id := fmt.Sprintf("m-%d-%d", worker, n)
				answer := mailTo(s, id)
				mu.Lock()
				said[answer]++
				oks[id] = answer == "ok"
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	taken := map[string]int{}
	for _, m := range s.Mails() {
		taken[m.ID]++
	}
	lost := 0
	for id, ok := range oks {
		switch {
		case taken[id] > 1, ok && taken[id] == 0:
			t.Errorf("%s was taken %d times; its sender heard ok: %v", id, taken[id], ok)
		case !ok && taken[id] == 1:
			lost++
		}
	}
	if lost == 0 || len(said) < 5 {
		t.Errorf("answers %v, %d taken and not said to be; want every kind of trouble", said, lost)
	}
	s.Trouble(Trouble{})
	if answer := mailTo(s, "m-calm"); answer != "ok" {
		t.Errorf("after the trouble was over: %s", answer)
	}
}

// A client that is killed in the middle of something leaves a server that goes
// on serving, and nothing taken that was not whole.
func TestServersOutliveTheirClients(t *testing.T) {
	slack := StartSlack()
	defer slack.Close()
	mail, err := StartSMTP(SMTPOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer mail.Close()
	for range 20 {
		partialPost(t, slack)
		partialMail(t, mail)
	}
	if len(slack.Posts()) != 0 || len(mail.Mails()) != 0 {
		t.Errorf("halves were taken: %d posts, %d mails", len(slack.Posts()), len(mail.Mails()))
	}
	if a, b := slackPost(slack, "m-1"), mailTo(mail, "m-1"); a != "ok" || b != "ok" {
		t.Errorf("afterwards: %s, %s", a, b)
	}
	if p, m := slack.Posts(), mail.Mails(); len(p) != 1 || p[0].ID != "m-1" || len(m) != 1 || m[0].ID != "m-1" {
		t.Errorf("taken %+v, %+v", p, m)
	}
}

func partialPost(t *testing.T, s *SlackServer) {
	t.Helper()
	conn, err := net.Dial("tcp", s.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /api/chat.postMessage HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\ntoken=x&chan")
}

func partialMail(t *testing.T, s *SMTPServer) {
	t.Helper()
	c, err := smtp.Dial(s.ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Mail("a@example.com"); err != nil {
		t.Fatal(err)
	}
	if err := c.Rcpt("b@example.net"); err != nil {
		t.Fatal(err)
	}
	if err := c.Text.PrintfLine("DATA"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Text.ReadResponse(354); err != nil {
		t.Fatal(err)
	}
	if err := c.Text.PrintfLine("Subject: half"); err != nil {
		t.Fatal(err)
	}
}
