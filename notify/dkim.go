package notify

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"

	"github.com/emersion/go-msgauth/dkim"

	"steward"
)

// DKIM says whose name to sign mail in. All three or none are set.
type DKIM struct {
	// Domain and Selector name the DNS record SELECTOR._domainkey.DOMAIN.
	Domain, Selector string
	// KeyPEM is the private key, RSA (PKCS 1 or 8) or Ed25519 (PKCS 8).
	KeyPEM steward.Secret
}

// dkimSigner signs with go-msgauth. go-mail's own signer folds long header
// fields inside a word after it has signed them unfolded, and such a signature
// does not verify.
type dkimSigner struct {
	domain, selector string
	key              crypto.Signer
}

// newDKIMSigner reads the key; nil signs nothing.
func newDKIMSigner(d DKIM) (*dkimSigner, error) {
	if d.Domain == "" && d.Selector == "" && d.KeyPEM.IsZero() {
		return nil, nil
	}
	if d.Domain == "" || d.Selector == "" || d.KeyPEM.IsZero() {
		return nil, errors.New("email.dkim needs domain, selector and key together; set all three, or none")
	}
	blk, _ := pem.Decode([]byte(strings.TrimSpace(d.KeyPEM.Reveal())))
	if blk == nil {
		return nil, errors.New("email.dkim's key is not PEM; it begins with -----BEGIN PRIVATE KEY-----")
	}
	var key any
	var err error
	if key, err = x509.ParsePKCS8PrivateKey(blk.Bytes); err != nil {
		if key, err = x509.ParsePKCS1PrivateKey(blk.Bytes); err != nil {
			return nil, errors.New("email.dkim's key cannot be read; make one with openssl genrsa 2048")
		}
	}
	s := &dkimSigner{domain: d.Domain, selector: d.Selector}
	switch k := key.(type) {
	case *rsa.PrivateKey:
		s.key = k
	case ed25519.PrivateKey:
		s.key = k
	default:
		return nil, errors.New("email.dkim's key is neither RSA nor Ed25519; make one with openssl genrsa 2048")
	}
	return s, nil
}

// signedHeaders is what the signature covers. RFC 8058 asks for both
// List-Unsubscribe fields; naming a field that a mail lacks keeps others from
// adding it on the way.
func signedHeaders() []string {
	return []string{"From", "Reply-To", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type",
		"Auto-Submitted", "List-Unsubscribe", "List-Unsubscribe-Post"}
}

func (s *dkimSigner) sign(raw []byte) ([]byte, error) {
	if s == nil {
		return raw, nil
	}
	var out bytes.Buffer
	err := dkim.Sign(&out, bytes.NewReader(raw), &dkim.SignOptions{
		Domain: s.domain, Selector: s.selector, Signer: s.key, Hash: crypto.SHA256,
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
		HeaderKeys: signedHeaders(),
	})
	if err != nil {
		return nil, failed(steward.Unauthorised, "dkim", "check email.dkim in steward.yaml", withhold("sign the mail", err))
	}
	return out.Bytes(), nil
}
