package notify

import (
	"bufio"
	"net/textproto"
	"regexp"
	"strings"

	"steward"
)

// deliveryReport is what one recipient's fields of a delivery report say
// (RFC 3464).
type deliveryReport struct {
	action, status, diagnostic string
	recipients                 []string // Original-Recipient first
}

// report understands delivery reports: multipart/report with a part for
// programs, as Postfix, Exim, Exchange and Gmail send them.
func (r MailReader) report(m *incomingMail) (steward.Incoming, bool) {
	text, ok := m.part("message/delivery-status", "message/global-delivery-status")
	if !ok || m.report != "" && m.report != "delivery-status" {
		return steward.Incoming{}, false
	}
	d, ok := readDeliveryReport(text)
	if !ok {
		return steward.Incoming{}, false
	}
	// A mail has one recipient here, so the worst that is said of any is about it.
	in := r.bounced(m, d.status, d.diagnostic, d.recipients)
	if d.action == "delayed" {
		in.Kind = steward.SoftBounce
	}
	return in, true
}

// readDeliveryReport reads the groups of fields, and picks the failed recipient,
// else the delayed one. Reports of success, and of mail that went on to where no
// reports come from, say nothing that matters.
func readDeliveryReport(text string) (best deliveryReport, ok bool) {
	// A delivery-status part is blank-line separated groups; the first is about
	// the mail, each other about one recipient. Some servers leave a blank line
	// out, so any group with an Action counts.
	rest := textproto.NewReader(bufio.NewReader(strings.NewReader(strings.TrimLeft(text, "\n") + "\n\n")))
	for range 50 {
		h, err := rest.ReadMIMEHeader()
		if len(h) > 0 {
			d := deliveryReport{
				action: strings.ToLower(strings.TrimSpace(firstWord(h.Get("Action")))), status: statusCode(h.Get("Status")),
				diagnostic: h.Get("Diagnostic-Code"),
			}
			for _, field := range []string{"Original-Recipient", "Final-Recipient"} {
				if a := typedAddress(h.Get(field)); a != "" {
					d.recipients = append(d.recipients, a)
				}
			}
			switch {
			case d.action == "failed":
				return d, true
			case d.action == "delayed" && !ok:
				best, ok = d, true
			}
		}
		if err != nil {
			break
		}
	}
	return best, ok
}

func firstWord(s string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(s), " ")
	return word
}

// typedAddress is the address of "rfc822; ada@customer.example".
func typedAddress(s string) string {
	kind, address, ok := strings.Cut(s, ";")
	if k := strings.ToLower(strings.TrimSpace(kind)); !ok || k != "rfc822" && k != "utf-8" {
		return ""
	}
	return bareAddress(strings.Trim(strings.TrimSpace(address), "<>"))
}

var enhancedCode = regexp.MustCompile(`(?:^|[\s(;#:\[-])([245]\.\d{1,3}\.\d{1,3})(?:$|[\s);:,.\]-])`)

// statusCode is the first enhanced status code of a text, such as 5.1.1; "" for
// none.
func statusCode(s string) string {
	if found := enhancedCode.FindStringSubmatch(s); found != nil {
		return found[1]
	}
	return ""
}

// bounced is a bounce with what is to be kept of it. A status that says no more
// than "failed" gives way to the one in the server's own words: Exim reports
// 5.0.0 whatever it was told.
func (r MailReader) bounced(m *incomingMail, status, diagnostic string, recipients []string) steward.Incoming {
	if said := statusCode(diagnostic); said != "" && (status == "" || strings.HasSuffix(status, ".0.0")) {
		status = said
	}
	in := steward.Incoming{Kind: steward.BounceKind(status), Status: status, Message: r.original(m), Back: steward.NoDay}
	_, words, found := strings.Cut(diagnostic, ";")
	if !found {
		words = diagnostic
	}
	if len(recipients) > 0 {
		in.Address = recipients[0]
	}
	in.Detail = withoutNames(words, recipients)
	return in
}

// withoutNames is a mail server's words without addresses, nor what stands before
// the @ of one: "unknown user: ada.park".
func withoutNames(words string, addresses []string) string {
	words = redact(words)
	for _, a := range addresses {
		if name, _, _ := strings.Cut(a, "@"); len(name) > 1 {
			words = regexp.MustCompile(`(?i)`+regexp.QuoteMeta(name)).ReplaceAllString(words, "(address)")
		}
	}
	return words
}

// original is the mail of ours that a bounce is about: the one whose header, or
// whole text, comes with it.
func (r MailReader) original(m *incomingMail) steward.MessageID {
	if text, ok := m.part("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers", "message/rfc822-headers"); ok {
		if id := r.named(headerOf(text)); id != "" {
			return id
		}
	}
	if text, ok := m.part("message/delivery-status", "message/global-delivery-status"); ok { // Postfix: X-Postfix-…, Exchange: X-MS-…
		if id := r.named(text); id != "" {
			return id
		}
	}
	if id := r.about(m); id != "" {
		return id
	}
	for _, p := range m.parts {
		if id := r.named(p.text); id != "" {
			return id
		}
	}
	return ""
}

// headerOf is the Message-ID of a header, so that no other id in a quoted mail is
// taken for it.
func headerOf(text string) string {
	h, _ := textproto.NewReader(bufio.NewReader(strings.NewReader(text + "\n\n"))).ReadMIMEHeader()
	return h.Get("Message-Id")
}

// looseBounce understands bounces without a part for programs, as far as they
// can be: by the field that Gmail and Exim add, or by a mail server's name and a
// status code in its words. What gives no code stays soft.
func (r MailReader) looseBounce(m *incomingMail) (steward.Incoming, bool) {
	failed := bareAddress(m.header.Get("X-Failed-Recipients"))
	if failed == "" && !m.byMachine() {
		return steward.Incoming{}, false
	}
	var words string
	for _, p := range m.parts {
		if strings.HasPrefix(p.kind, "text/plain") || p.kind == "" {
			words = p.text
			break
		}
	}
	line := failureLine(words)
	status := statusCode(line)
	if failed == "" && (status == "" || status[0] == '2') {
		return steward.Incoming{}, false
	}
	var recipients []string
	if failed == "" {
		failed = bareAddress(addressLike.FindString(line))
	}
	if failed != "" {
		recipients = append(recipients, failed)
	}
	return r.bounced(m, status, line, recipients), true
}

// failureLine is the first line of a bounce's text that has a status code in it.
func failureLine(text string) string {
	for _, line := range strings.SplitN(text, "\n", 400) {
		if code := statusCode(line); code != "" && code[0] != '2' {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

// complaint understands feedback reports (RFC 5965): somebody pressed "this is
// spam".
func (r MailReader) complaint(m *incomingMail) (steward.Incoming, bool) {
	text, ok := m.part("message/feedback-report")
	if !ok {
		return steward.Incoming{}, false
	}
	h, _ := textproto.NewReader(bufio.NewReader(strings.NewReader(strings.TrimLeft(text, "\n") + "\n\n"))).ReadMIMEHeader()
	kind := strings.ToLower(strings.TrimSpace(h.Get("Feedback-Type")))
	if kind != "abuse" && kind != "fraud" && kind != "opt-out" && kind != "opt-out-list" {
		return steward.Incoming{}, false // not-spam, virus, and whatever is to come
	}
	in := steward.Incoming{Kind: steward.Complaint, Message: r.original(m), Detail: kind, Back: steward.NoDay}
	for _, field := range []string{"Original-Rcpt-To", "Removal-Recipient"} {
		if a := bareAddress(h.Get(field)); a != "" {
			in.Address = a
			break
		}
	}
	return in, true
}
