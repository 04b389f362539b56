package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"steward"
)

// Pictures is how the metric behind a finding is shown in Slack.
type Pictures string

// AutoPictures, the default, tries Slack's own chart, then an image, then a line
// of text, and remembers for a day what the workspace does not take. The others
// try one, and then text.
const (
	AutoPictures  Pictures = "auto"
	ChartPictures Pictures = "chart"
	ImagePictures Pictures = "image"
	TextPictures  Pictures = "text"
)

const (
	// refusalKept is for how long it is believed that the workspace takes no charts,
	// or the bot may upload no files.
	refusalKept = 24 * time.Hour
	// faultKept is for how long no picture is uploaded after an upload that failed
	// otherwise, and uploadWithin is what a card's pictures may take: a card is worth
	// more than its picture.
	faultKept    = 10 * time.Minute
	uploadWithin = 15 * time.Second
	// mostUploads bounds what is remembered of uploaded pictures.
	mostUploads = 1000
	// maxUploadTries is how often a card with an image that Slack does not know yet
	// is posted.
	maxUploadTries = 3
)

// drawn is what a sender has found out about pictures.
type drawn struct {
	within   time.Duration // for a card's uploads
	mu       sync.Mutex
	noCharts time.Time         // until when
	noFiles  time.Time         // until when
	uploads  map[string]string // a picture's fingerprint → the file's id
}

// illustrated posts a letter with its pictures as the workspace allows. Slack
// takes a card whole or not at all, so that one that was refused for its picture
// may be posted again with another.
func (s *SlackSender) illustrated(ctx context.Context, l steward.Letter, post func([]slack.Block, string) error) error {
	if s.cfg.Mute {
		l.Face = muted(l.Face)
	}
	pictures := picturesOf(l)
	try := func(d drawing) error { return post(layOut(l, d)) }
	if len(pictures) == 0 {
		return try(drawing{})
	}
	if s.may(ChartPictures) {
		err := try(drawing{charts: true})
		if !refusedBlocks(err) {
			return err
		}
		if err := s.withoutCharts(ctx, l, pictures, try); err != nil {
			return err // it was not the chart
		}
		s.drawn.refuse(&s.drawn.noCharts, s.cfg.Now().Add(refusalKept))
		return nil
	}
	return s.withoutCharts(ctx, l, pictures, try)
}

func (s *SlackSender) withoutCharts(ctx context.Context, l steward.Letter, pictures []*steward.Picture, try func(drawing) error) error {
	if s.may(ImagePictures) {
		if images := s.upload(ctx, pictures); len(images) > 0 {
			err := s.untilKnown(ctx, func() error { return try(drawing{images: images}) })
			if !refusedBlocks(err) {
				return err
			}
			s.drawn.forget(images)
		}
	}
	return try(drawing{})
}

// picturesOf is the pictures that a letter shows.
func picturesOf(l steward.Letter) (out []*steward.Picture) {
	if l.Message.Kind == steward.Digest || l.Face.Over != "" {
		return nil
	}
	for _, p := range l.Content.Parts {
		if pic := readPicture(p.Picture); pic != nil {
			out = append(out, pic)
		}
	}
	return out
}

// may tells whether a way of showing pictures is worth a try.
func (s *SlackSender) may(p Pictures) bool {
	if s.cfg.Pictures != p && s.cfg.Pictures != AutoPictures && s.cfg.Pictures != "" {
		return false
	}
	s.drawn.mu.Lock()
	defer s.drawn.mu.Unlock()
	until := s.drawn.noCharts
	if p == ImagePictures {
		until = s.drawn.noFiles
	}
	return !s.cfg.Now().Before(until)
}

func (d *drawn) refuse(what *time.Time, until time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	*what = until
}

func (d *drawn) forget(images map[string]string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for k := range images {
		delete(d.uploads, k)
	}
}

// refusedBlocks tells that Slack did not take a card for what it is made of.
func refusedBlocks(err error) bool {
	var d *steward.DeliveryError
	return errors.As(err, &d) && d.Kind == steward.Refused && strings.HasPrefix(d.Code, "invalid_blocks")
}

// untilKnown posts a card with an image until Slack knows the image, a few times:
// an upload is complete before it can be shown.
func (s *SlackSender) untilKnown(ctx context.Context, post func() error) (err error) {
	for n := range maxUploadTries {
		if err = post(); !refusedBlocks(err) || n == maxUploadTries-1 {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(s.cfg.Settle):
		}
	}
	return err
}

// upload brings the pictures to Slack that are not there yet, and gives the ids
// of their files by fingerprint; fewer where something fails. A picture that
// cannot be uploaded is no reason not to say what is on the card.
func (s *SlackSender) upload(ctx context.Context, pictures []*steward.Picture) map[string]string {
	ctx, cancel := context.WithTimeout(ctx, s.drawn.within)
	defer cancel()
	out := map[string]string{}
	for i, p := range pictures {
		if i == cardFits()[0].pictures {
			break
		}
		key := fingerprint(p)
		s.drawn.mu.Lock()
		file := s.drawn.uploads[key]
		s.drawn.mu.Unlock()
		if file == "" {
			var err error
			if file, err = s.uploadOne(ctx, p); err != nil {
				kept := faultKept
				var d *steward.DeliveryError
				if errors.As(err, &d) && (d.Code == "missing_scope" || d.Code == "file_uploads_disabled" || d.Code == "not_allowed_token_type") {
					kept = refusalKept
				}
				s.drawn.refuse(&s.drawn.noFiles, s.cfg.Now().Add(kept))
				return out
			}
			s.drawn.keep(key, file)
		}
		out[key] = file
	}
	return out
}

func (d *drawn) keep(key, file string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.uploads == nil || len(d.uploads) >= mostUploads {
		d.uploads = map[string]string{} // what is asked for again is uploaded again
	}
	d.uploads[key] = file
}

// uploadOne uploads a picture in Slack's three steps. It is shared with nobody:
// who may read the card sees it there.
func (s *SlackSender) uploadOne(ctx context.Context, p *steward.Picture) (string, error) {
	var png bytes.Buffer
	if err := writePNG(&png, p); err != nil {
		return "", fmt.Errorf("draw the picture: %w", err)
	}
	const name = "picture.png"
	var place *slack.GetUploadURLExternalResponse
	err := slackCall(ctx, "ask where to upload the picture", false, s.cfg.Token, func(ctx context.Context) (err error) {
		place, err = s.client.GetUploadURLExternalContext(ctx, slack.GetUploadURLExternalParameters{FileName: name, FileSize: png.Len(), AltTxt: shorten(p.Alt, 1000)})
		return err
	})
	if err != nil {
		return "", err
	}
	err = slackCall(ctx, "upload the picture", false, s.cfg.Token, func(ctx context.Context) error { return s.put(ctx, place.UploadURL, png.Bytes()) })
	if err != nil {
		return "", err
	}
	err = slackCall(ctx, "complete the picture's upload", false, s.cfg.Token, func(ctx context.Context) error {
		_, err := s.client.CompleteUploadExternalContext(ctx, slack.CompleteUploadExternalParameters{Files: []slack.FileSummary{{ID: place.FileID, Title: shorten(p.Label, 100)}}})
		return err
	})
	return place.FileID, err
}

// put uploads bytes to an address that Slack gave. The library would send the bot
// token along, which the address has no use for.
func (s *SlackSender) put(ctx context.Context, address string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "image/png")
	resp, err := s.httpClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16)) // so that the connection can be used again
	if resp.StatusCode != http.StatusOK {
		return slack.StatusCodeError{Code: resp.StatusCode, Status: resp.Status}
	}
	return nil
}
