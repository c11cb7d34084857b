package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
)

// The calls of test.Echo, by hand, so that this program needs no module: each
// message is a byte, its length in four, and itself; the status is a trailer.

// say is a unary call: it answers what it was told, or that it failed, if the
// message has the word in it.
func say(w http.ResponseWriter, r *http.Request) {
	message, err := readMessage(r.Body)
	begin(w)
	if err != nil {
		end(w, 13, err.Error())
		return
	}
	if bytes.Contains(message, []byte("fail")) {
		end(w, 9, "asked to fail")
		return
	}
	writeMessage(w, message)
	end(w, 0, "")
}

// talk is a bidirectional stream: each message comes back at once.
func talk(w http.ResponseWriter, r *http.Request) {
	begin(w)
	for {
		message, err := readMessage(r.Body)
		if err == io.EOF {
			end(w, 0, "")
			return
		}
		if err != nil {
			end(w, 13, err.Error())
			return
		}
		writeMessage(w, message)
		w.(http.Flusher).Flush()
	}
}

// begin sends the head, so that what end sets is a trailer only.
func begin(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("Trailer", "Grpc-Status, Grpc-Message, X-End")
	w.(http.Flusher).Flush()
}

func end(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Grpc-Status", fmt.Sprint(status))
	w.Header().Set("Grpc-Message", message)
	w.Header().Set("X-End", "reached")
}

func readMessage(r io.Reader) ([]byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[1:])
	if head[0] != 0 || size > 1<<20 {
		return nil, fmt.Errorf("a message of %d bytes, compressed: %d", size, head[0])
	}
	message := make([]byte, size)
	_, err := io.ReadFull(r, message)
	return message, err
}

func writeMessage(w io.Writer, message []byte) {
	head := make([]byte, 5, 5+len(message))
	binary.BigEndian.PutUint32(head[1:], uint32(len(message)))
	_, _ = w.Write(append(head, message...))
}
