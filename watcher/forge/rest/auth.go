package rest

import (
	"context"
	"net/http"
)

// Token is one that a person, or a forge, has made. It is not renewed.
type Token struct {
	// Scheme is what the forge calls it in the header: Bearer, or token.
	Scheme string
	Value  string
}

// Authorize adds the token.
func (t Token) Authorize(_ context.Context, req *http.Request) error {
	req.Header.Set("Authorization", t.Scheme+" "+t.Value)
	return nil
}

// Renew has no other one.
func (t Token) Renew() bool { return false }

// Secrets is the token.
func (t Token) Secrets() []string { return []string{t.Value} }

// Basic is a name and a password.
type Basic struct{ Username, Password string }

// Authorize adds both.
func (b Basic) Authorize(_ context.Context, req *http.Request) error {
	req.SetBasicAuth(b.Username, b.Password)
	return nil
}

// Renew has no other one.
func (b Basic) Renew() bool { return false }

// Secrets is the password, and what is sent of it.
func (b Basic) Secrets() []string {
	req := &http.Request{Header: http.Header{}}
	req.SetBasicAuth(b.Username, b.Password)
	return []string{b.Password, req.Header.Get("Authorization")[len("Basic "):]}
}
