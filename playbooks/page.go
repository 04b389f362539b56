package playbooks

import (
	"time"

	"steward"
)

// A Pager is the address of an account's page for one of us, good from a moment
// on: their name is in it, and it opens that account for them alone. For ""
// it is a link that only looks.
type Pager func(account steward.AccountID, owner steward.OwnerID, at time.Time) string

// Page is the address of an account's page for one of us; "" where the workspace
// does not say at which address pages are. What everybody in a channel reads, as
// a pool's cards are, is a link that only looks: it is nobody's name to act in.
func (b *Book) Page(account steward.AccountID, owner steward.OwnerID, at time.Time) string {
	if b.PageLink == nil || account == "" {
		return ""
	}
	if o, known := b.Owner(owner); !known || o.Pool != "" {
		owner = ""
	}
	return b.PageLink(account, owner, at)
}
