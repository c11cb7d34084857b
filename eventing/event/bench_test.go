package event

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/cloudevents/sdk-go/v2/binding"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
)

// The events of these benchmarks have 1 KiB of JSON, six attributes and one
// extension.

func ofOneKiB() *Event {
	return &Event{
		ID: "4f1b2c9e-8a55-4a0e-9a3f-2f8f6f3f9d10", Source: "/shop/orders", Type: "order.created", Subject: "orders/1234",
		Time: "2026-05-04T12:00:00.123Z", DataContentType: "application/json",
		Extensions: []Attribute{{"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}},
		Data:       []byte(`{"items":[` + strings.Repeat(`{"sku":"ab-12","n":1},`, 44) + `{}]}`),
	}
}

func BenchmarkReadBinary(b *testing.B) {
	header := http.Header{}
	body := ofOneKiB().WriteHTTP(header)
	b.Run("headway", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ReadHTTP(header, body); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("sdk", func(b *testing.B) { readBySDK(b, header, body) })
}

func BenchmarkReadStructured(b *testing.B) {
	e := ofOneKiB()
	body := []byte(`{"specversion":"1.0","id":"` + e.ID + `","source":"` + e.Source + `","type":"` + e.Type + `","subject":"` + e.Subject +
		`","time":"` + e.Time + `","datacontenttype":"application/json","traceparent":"` + e.Extensions[0].Value + `","data":` + string(e.Data) + `}`)
	header := http.Header{"Content-Type": {mediaJSON}}
	b.Run("headway", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ReadHTTP(header, body); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("sdk", func(b *testing.B) { readBySDK(b, header, body) })
}

func readBySDK(b *testing.B, header http.Header, body []byte) {
	b.ReportAllocs()
	for b.Loop() {
		e, err := binding.ToEvent(b.Context(), cehttp.NewMessage(header, io.NopCloser(bytes.NewReader(body))))
		if err != nil || e.Validate() != nil {
			b.Fatal(err, e.Validate())
		}
	}
}

func BenchmarkWriteBinary(b *testing.B) {
	e := ofOneKiB()
	b.Run("headway", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			e.WriteHTTP(make(http.Header, 12))
		}
	})
	header := http.Header{}
	sdk, err := binding.ToEvent(b.Context(), cehttp.NewMessage(header, io.NopCloser(bytes.NewReader(e.WriteHTTP(header)))))
	if err != nil {
		b.Fatal(err)
	}
	b.Run("sdk", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r := &http.Request{Header: make(http.Header, 12)}
			if err := cehttp.WriteRequest(b.Context(), binding.ToMessage(sdk), r); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkRecord(b *testing.B) {
	e := ofOneKiB()
	record := e.Append(nil)
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			e.Append(record[:0])
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Decode(record); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("key", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			e.Key()
		}
	})
}
