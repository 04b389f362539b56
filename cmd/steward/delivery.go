package main

import (
	"context"
	"time"

	"steward"
	"steward/configs"
	"steward/jobs"
	"steward/notify"
)

// delivery is the workspace's way of speaking.
type delivery struct {
	sender jobs.Sender
	find   func(context.Context, steward.Letter) (steward.Receipt, bool, error)
	// flush finishes what a preview has begun.
	flush func() error
	// verify tries the credentials of each channel, by name.
	verify map[string]func(context.Context) (string, error)
	// slack speaks in Slack; nil where nothing is sent there.
	slack *notify.SlackSender
	// words says where messages go.
	words string
}

// buildDelivery makes the senders that the delivery mode asks for. now is the
// clock that calls of webhooks are stamped by.
func buildDelivery(ws *configs.Workspace, signing steward.Secret, preview notify.PreviewConfig, now func() time.Time) (delivery, error) {
	mail := mailConfig(ws, signing)
	if ws.Delivery.Mode == steward.Preview {
		if preview.Dir == "" {
			preview.Dir = ws.PreviewDir
		}
		preview.Mail = &mail
		p, err := notify.NewPreviewSender(preview)
		if err != nil {
			return delivery{}, err
		}
		return delivery{sender: p, find: p.Find, flush: p.Flush, words: "preview: files in " + preview.Dir}, nil
	}
	if unset := ws.Unset(); len(unset) > 0 {
		return delivery{}, unset
	}
	d := delivery{flush: func() error { return nil }, verify: map[string]func(context.Context) (string, error){}, words: string(ws.Delivery.Mode)}
	var router notify.Router
	if ws.Slack.Enabled {
		s, err := notify.NewSlackSender(notify.SlackConfig{Token: ws.Slack.BotToken, APIURL: ws.Slack.APIURL, Pictures: notify.Pictures(ws.Slack.Pictures), Mute: !ws.Slack.Listens()})
		if err != nil {
			return delivery{}, err
		}
		router.Slack, d.slack = s, s
		d.verify["slack"] = s.Verify
	}
	if ws.Email.Enabled {
		m, err := notify.NewMailSender(mail)
		if err != nil {
			return delivery{}, err
		}
		router.Mail = m
		d.verify["email"] = m.Verify
		if readsMail(ws) {
			box, err := newMailbox(ws, now)
			if err != nil {
				return delivery{}, err
			}
			d.verify["mailbox"] = box.Verify
		}
	}
	if len(ws.Webhooks) > 0 {
		w, err := notify.NewWebhookSender(webhookConfig(ws, now))
		if err != nil {
			return delivery{}, err
		}
		router.Webhook = w
	}
	sender := interface {
		notify.Sender
		notify.Finder
		notify.Updater
	}(router)
	if ws.Delivery.Mode == steward.Redirect {
		redirect, err := redirected(ws, router, preview)
		if err != nil {
			return delivery{}, err
		}
		if p, ok := redirect.Kept.(*notify.PreviewSender); ok {
			d.flush = p.Flush
		}
		sender = redirect
	}
	d.sender, d.find = sender, sender.Find
	return d, nil
}

// redirected sends to the one address, and keeps in files what is for other
// programs.
func redirected(ws *configs.Workspace, to notify.Router, preview notify.PreviewConfig) (notify.Redirect, error) {
	r := notify.Redirect{To: ws.Delivery.RedirectTo, Slack: to.Slack, Mail: to.Mail}
	if len(ws.Webhooks) == 0 {
		return r, nil
	}
	if preview.Dir == "" {
		preview.Dir = ws.PreviewDir
	}
	p, err := notify.NewPreviewSender(preview)
	if err != nil {
		return r, err
	}
	r.Kept = p
	return r, nil
}

func webhookConfig(ws *configs.Workspace, now func() time.Time) notify.WebhookConfig {
	c := notify.WebhookConfig{Now: now}
	for _, h := range ws.Webhooks {
		c.Webhooks = append(c.Webhooks, notify.Webhook{Name: h.Name, URL: h.URL, Secret: h.Secret, Timeout: h.Timeout})
	}
	return c
}

func mailConfig(ws *configs.Workspace, signing steward.Secret) notify.MailConfig {
	from := ws.Email.FromAddress
	if from == "" {
		from = "success@example.com" // previews of a workspace without mail set up
	}
	c := notify.MailConfig{SMTP: ws.Email.SMTP, From: from, PublicURL: ws.PublicURL, Signing: signing, CopyReplies: ws.Email.Mailbox.Enabled && ws.Email.Mailbox.Replies}
	if ws.Email.DKIM.Domain != "" {
		c.DKIM = notify.DKIM{Domain: ws.Email.DKIM.Domain, Selector: ws.Email.DKIM.Selector, KeyPEM: ws.Email.DKIM.Key}
	}
	return c
}
