package main

import (
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/url"
	"strings"
)

// created begins the types of the events about objects that are new.
const created = "com.amazonaws.s3.ObjectCreated:"

// handle takes one event. Its status says what becomes of it:
//
//	204  it is done with, or nothing is to be done
//	4xx  it can never be done: a dead letter, after this one attempt
//	503  the store is away: it comes again
func (x *expander) handle(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.Header.Get("ce-type"), created) {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	key, err := x.keyOf(http.MaxBytesReader(w, r.Body, 1<<20))
	if err == nil && strings.HasSuffix(strings.ToLower(key), ".zip") {
		err = x.expand(r.Context(), key)
	}
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	log.Printf("%s: %v", r.Header.Get("ce-subject"), err)
	var never *never
	if errors.As(err, &never) {
		http.Error(w, never.reason, never.status)
		return
	}
	w.Header().Set("Retry-After", "5")
	http.Error(w, err.Error(), http.StatusServiceUnavailable)
}

// keyOf reads a record of S3's notifications and returns the key of its object.
func (x *expander) keyOf(body io.Reader) (string, error) {
	var record struct {
		S3 struct {
			Bucket struct{ Name string }
			Object struct{ Key string }
		}
	}
	if err := json.NewDecoder(body).Decode(&record); err != nil {
		return "", &never{http.StatusBadRequest, "the data is no record of a notification by S3: " + err.Error()}
	}
	if record.S3.Bucket.Name != x.uploads {
		return "", &never{http.StatusBadRequest, "the object is not in bucket " + x.uploads}
	}
	key, err := url.QueryUnescape(record.S3.Object.Key) // as S3 writes it there
	if err != nil || key == "" {
		return "", &never{http.StatusBadRequest, "the record has no key of an object"}
	}
	return key, nil
}

// never is why an event can never be done with.
type never struct {
	status int
	reason string
}

func (e *never) Error() string { return e.reason }
