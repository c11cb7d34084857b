package h1

import (
	"net/http"
	"sync/atomic"
	"time"
)

// dateLine is the Date field of one second.
type dateLine struct {
	second int64
	line   []byte
}

var lastDate atomic.Pointer[dateLine]

// appendDate writes the Date field that an app has left out, RFC 9110 section
// 6.6.1. The line is made once a second.
func appendDate(b []byte, now time.Time) []byte {
	d := lastDate.Load()
	if d == nil || d.second != now.Unix() {
		line := now.UTC().AppendFormat([]byte("Date: "), http.TimeFormat)
		d = &dateLine{second: now.Unix(), line: append(line, "\r\n"...)}
		lastDate.Store(d)
	}
	return append(b, d.line...)
}
