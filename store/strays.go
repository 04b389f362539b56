package store

import (
	"context"

	"github.com/jmoiron/sqlx"

	"steward"
)

// Strays reads what belongs to no account that was ever listed, and what the
// portfolio leaves out therefore: most often ids that two systems spell
// otherwise. Only contracts, contacts, products and tickets are looked for.
func (db *DB) Strays(ctx context.Context) (steward.Portfolio, error) {
	var p steward.Portfolio
	err := db.view(ctx, "read what belongs to no account", func(tx *sqlx.Tx) (err error) {
		if p.Contracts, err = readRows(ctx, tx, contractRow.noun, `
			SELECT * FROM contracts WHERE gone_from = '' AND account NOT IN (SELECT id FROM accounts) ORDER BY id`); err != nil {
			return err
		}
		if p.Contacts, err = readRows(ctx, tx, contactRow.noun, `
			SELECT * FROM contacts WHERE gone_from = '' AND account NOT IN (SELECT id FROM accounts) ORDER BY id`); err != nil {
			return err
		}
		if p.Products, err = readRows(ctx, tx, productRow.noun, `
			SELECT * FROM products WHERE gone_from = '' AND account NOT IN (SELECT id FROM accounts) ORDER BY id`); err != nil {
			return err
		}
		p.Tickets, err = readRows(ctx, tx, ticketRow.noun, `
			SELECT * FROM tickets WHERE account NOT IN (SELECT id FROM accounts) ORDER BY id`)
		return err
	})
	return p, err
}
