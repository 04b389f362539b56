package store

import (
	"context"

	"github.com/jmoiron/sqlx"

	"steward"
)

// tombstones are the people who must not come back. They are kept as salted
// hashes of the contact's id and address.
type tombstones struct {
	salt string
	keys map[string]bool
}

func readTombstones(ctx context.Context, tx *sqlx.Tx) (tombstones, error) {
	t := tombstones{keys: make(map[string]bool)}
	if err := tx.GetContext(ctx, &t.salt, `SELECT value FROM keys WHERE name = 'salt'`); err != nil {
		return t, err
	}
	var keys []string
	if err := tx.SelectContext(ctx, &keys, `SELECT key FROM tombstones WHERE kind = 'contact'`); err != nil {
		return t, err
	}
	for _, k := range keys {
		t.keys[k] = true
	}
	return t, nil
}

func (t tombstones) cover(c steward.Contact) bool {
	if len(t.keys) == 0 {
		return false
	}
	return t.keys[t.ofID(c.ID)] || c.Email != "" && t.keys[t.ofAddress(c.Email)]
}

func (t tombstones) ofID(id steward.ContactID) string {
	return derivedID("", t.salt, "id", string(id))
}

func (t tombstones) ofAddress(email string) string {
	return derivedID("", t.salt, "address", address(email))
}
