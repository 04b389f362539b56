package notify

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"steward"
)

// personWithin bounds a look-up: somebody waits for what they clicked.
const personWithin = 2 * time.Second

// EmailOf is the address of one of the workspace's own people, in lower case; ""
// where it is not known, or they are a guest, a bot, somebody of another
// workspace, or gone. It is believed for an hour.
func (s *SlackSender) EmailOf(ctx context.Context, user, team string) (string, error) {
	if !isSlackID(user, "UW") {
		return "", nil
	}
	ctx, cancel := context.WithTimeout(ctx, personWithin)
	defer cancel()
	found, err := s.lookUp("who "+team+" "+user, func() (email string, err error) {
		err = slackCall(ctx, "look up who pressed", false, s.cfg.Token, func(ctx context.Context) error {
			u, err := s.client.GetUserInfoContext(ctx, user)
			if err == nil {
				email = ownEmail(u, team)
			}
			return err
		})
		if email == "" {
			email = nobody
		}
		return email, err
	})
	var d *steward.DeliveryError
	switch {
	case errors.As(err, &d) && d.Kind == steward.Refused: // Slack knows nobody of that id
		return "", nil
	case err != nil:
		return "", err
	case found == nobody:
		return "", nil
	}
	return found, nil
}

// nobody is what is remembered of somebody without an address: no address looks
// like it.
const nobody = "-"

// ownEmail is the address of somebody who belongs to the team as a full member.
// An address counts as who they are, and a guest's may be anybody's.
func ownEmail(u *slack.User, team string) string {
	if u.Deleted || u.IsBot || u.IsRestricted || u.IsUltraRestricted || u.IsStranger || team != "" && u.TeamID != "" && u.TeamID != team {
		return ""
	}
	return strings.ToLower(strings.TrimSpace(u.Profile.Email))
}
