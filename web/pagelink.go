package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"steward"
)

// LinkGood is for how long the link of a card opens a page: a card that is older
// has been overtaken by another one.
const LinkGood = 7 * 24 * time.Hour

// errLinkOver is of a link that was ours and is too old, errLinkForeign of one
// that never was.
var (
	errLinkOver    = errors.New("the link is older than a week")
	errLinkForeign = errors.New("the link is not one of ours, or was cut short")
)

// PageLink is the address of an account's page below base, signed for one of us.
// Whoever has it sees that account and acts as that person until it is over; with
// owner "" they only look.
func PageLink(key steward.Secret, base string, account steward.AccountID, owner steward.OwnerID, at time.Time) string {
	over := at.Add(LinkGood).Unix()
	k := strconv.FormatInt(over, 36) + "." + linkMAC(key, account, owner, over) + "." + string(owner)
	return base + accountPath(account) + "?k=" + url.QueryEscape(k)
}

// readPageLink tells for whom a link to an account was made and until when it is
// good.
func readPageLink(key steward.Secret, account steward.AccountID, k string, now time.Time) (owner steward.OwnerID, until time.Time, err error) {
	parts := strings.SplitN(k, ".", 3)
	if len(parts) != 3 || key.IsZero() {
		return "", time.Time{}, errLinkForeign
	}
	over, err := strconv.ParseInt(parts[0], 36, 64)
	owner = steward.OwnerID(parts[2])
	if err != nil || strconv.FormatInt(over, 36) != parts[0] || !hmac.Equal([]byte(parts[1]), []byte(linkMAC(key, account, owner, over))) {
		return "", time.Time{}, errLinkForeign
	}
	until = time.Unix(over, 0)
	if !now.Before(until) {
		return "", time.Time{}, errLinkOver
	}
	return owner, until, nil
}

func linkMAC(key steward.Secret, account steward.AccountID, owner steward.OwnerID, over int64) string {
	return sign(key, "page", string(account), string(owner), strconv.FormatInt(over, 10))
}

// sign is 144 bits of HMAC over a purpose and what it is about. Each part comes
// with its length, so that no two lists of parts are one text.
func sign(key steward.Secret, purpose string, parts ...string) string {
	m := hmac.New(sha256.New, []byte(key.Reveal()))
	for _, p := range append([]string{purpose}, parts...) {
		m.Write([]byte(strconv.Itoa(len(p)) + ":" + p))
	}
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil)[:18])
}

// accountPath is where an account's page is.
func accountPath(account steward.AccountID) string { return "/a/" + url.PathEscape(string(account)) }
