package event

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// FuzzDecode: no record makes the program panic, and what is read stays the same
// when it is written and read again.
func FuzzDecode(f *testing.F) {
	f.Add(full().Append(nil))
	f.Add((&Event{}).Append(nil))
	f.Add([]byte("\x01\x09\x00\x00\x00\x00\x00\x00\x00\xff\x7f"))
	f.Fuzz(func(t *testing.T, record []byte) {
		e, err := Decode(record)
		if err != nil {
			return
		}
		again, err := Decode(e.Append(nil))
		if diff := cmp.Diff(e, again); diff != "" || err != nil {
			t.Error(err, diff)
		}
	})
}

// FuzzReadHTTP: no request makes the program panic; each event that is accepted
// can be kept and delivered, and arrives as it was.
func FuzzReadHTTP(f *testing.F) {
	for _, contentType := range []string{mediaJSON, mediaBatch} {
		f.Add(contentType, "", "", []byte(members(`,"a":"é\u00e9\ud83d\ude00","n":-0,"data": {"b":[1]} `)))
		f.Add(contentType, "", "", []byte("["+members(`,"datacontenttype":"text/plain","data":"\u0000"`)+`,{"specversion":"1.0"}]`))
		f.Add(contentType, "", "", []byte(members(`,"data_base64":"AP8="`)))
	}
	f.Add("text/plain; a=\"b\"", "", `"a \" b"%20`, []byte("x"))
	f.Add("", "2026-05-04t12:00:00z", "%E2%82%AC \xff", []byte(nil))
	f.Fuzz(func(t *testing.T, contentType, at, value string, body []byte) {
		header := http.Header{"Ce-Specversion": {"1.0"}, "Ce-Id": {value + "1"}, "Ce-Source": {"/s"}, "Ce-Type": {"t"}, "Ce-Ext": {value}}
		if contentType != "" {
			header.Set("Content-Type", contentType)
		}
		if at != "" {
			header.Set("Ce-Time", at)
		}
		before := bytes.Clone(body)
		events, err := ReadHTTP(header, body)
		if err != nil && events != nil {
			t.Error("events and an error")
		}
		if !bytes.Equal(before, body) {
			t.Error("the body was changed")
		}
		for i := range events {
			e := &events[i]
			if err := e.Validate(); err != nil {
				t.Fatalf("accepted, but: %v", err)
			}
			kept, err := Decode(e.Append(nil))
			if diff := cmp.Diff(e, kept, cmpopts.EquateEmpty()); diff != "" || err != nil {
				t.Error("kept:", err, diff)
			}
			written := http.Header{}
			sent := e.WriteHTTP(written)
			for key, values := range written {
				for _, c := range []byte(values[0]) {
					if c < ' ' || c >= 0x7f || c == ' ' && key != "Content-Type" {
						t.Fatalf("%s: %q cannot be a header", key, values[0])
					}
				}
			}
			again, err := ReadHTTP(written, sent)
			if diff := cmp.Diff([]Event{*e}, again); diff != "" || err != nil {
				t.Error("delivered:", err, diff)
			}
		}
	})
}
