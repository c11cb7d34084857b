// Command dying answers with its commit until it dies as the variable DIE says:
//
//	DIE               what becomes of it
//	(empty)           it serves for good, and ends with 0 when it is told to
//	after 300ms       it exits with 1 that long after it began to listen
//	quietly 300ms     the same with exit code 0
//	request           it exits with 1 when the first request comes
//	memory 10s        after that time it takes memory until it is killed
//	answering 500     it answers each request with that status
//	slowly 500ms      it takes so long for each answer
//	told              it exits with 1 when it is told to end
//
// Whatever DIE says, some paths have answers of their own: at /die it exits with 1,
// at /status/409 it answers with that status, below /value/0.7 like a Prometheus
// server whose every query has that value ("none": no value), and at /got it says
// what requests it has had at other paths. With the argument "smoke" it asks HEADWAY_URL once, and exits with 1 unless that answers
// with 200 and HEADWAY_COMMIT.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "smoke" {
		smoke()
		return
	}
	how, what, _ := strings.Cut(os.Getenv("DIE"), " ")
	listener, err := net.Listen("tcp", ":"+os.Getenv("PORT"))
	if err != nil {
		log.Fatal(err)
	}
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	go func() {
		<-told
		if how == "told" {
			os.Exit(1)
		}
		os.Exit(0)
	}()
	go die(how, what)
	status := http.StatusOK
	if how == "answering" {
		if status, err = strconv.Atoi(what); err != nil {
			log.Fatal(err)
		}
	}
	var pause time.Duration
	if how == "slowly" {
		if pause, err = time.ParseDuration(what); err != nil {
			log.Fatal(err)
		}
	}
	var got counts
	paths := http.NewServeMux()
	paths.HandleFunc("/die", func(http.ResponseWriter, *http.Request) { os.Exit(1) })
	paths.HandleFunc("/got", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, got.String()) })
	paths.HandleFunc("/status/{status}", func(w http.ResponseWriter, r *http.Request) {
		status, _ := strconv.Atoi(r.PathValue("status"))
		w.WriteHeader(status)
	})
	paths.HandleFunc("/value/{value}/api/v1/query", value)
	paths.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if how == "request" {
			os.Exit(1)
		}
		got.add(r)
		time.Sleep(pause)
		w.WriteHeader(status)
		fmt.Fprintln(w, os.Getenv("HEADWAY_COMMIT"))
	})
	log.Fatal(http.Serve(listener, paths))
}

// counts are the requests so far: plain ones, and copies by their method.
type counts struct{ plain, copies, others atomic.Int64 }

func (c *counts) add(r *http.Request) {
	switch {
	case r.Header.Get("Headway-Mirror") != "1":
		c.plain.Add(1)
	case r.Method == http.MethodGet:
		c.copies.Add(1)
	default:
		c.others.Add(1)
	}
}

func (c *counts) String() string {
	return fmt.Sprintf("%d plain, %d copies of GET, %d of others", c.plain.Load(), c.copies.Load(), c.others.Load())
}

// value answers in the format of Prometheus' query API.
func value(w http.ResponseWriter, r *http.Request) {
	series := fmt.Sprintf(`{"metric":{},"value":[%d.781,%q]}`, time.Now().Unix(), r.PathValue("value"))
	if r.PathValue("value") == "none" {
		series = ""
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[%s]}}`, series)
}

// smoke tests the version that HEADWAY_URL leads to.
func smoke() {
	answer, err := http.Get(os.Getenv("HEADWAY_URL"))
	if err != nil {
		log.Fatal(err)
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || strings.TrimSpace(string(text)) != os.Getenv("HEADWAY_COMMIT") {
		log.Fatalf("smoke test: status %d, %q, %v", answer.StatusCode, text, err)
	}
}

// die ends the program some time after it began to listen.
func die(how, what string) {
	wait, err := time.ParseDuration(what)
	if err != nil || how == "slowly" {
		return
	}
	time.Sleep(wait)
	switch how {
	case "after":
		os.Exit(1)
	case "quietly":
		os.Exit(0)
	case "memory":
		var taken [][]byte
		for {
			block := make([]byte, 1<<20)
			for i := range block {
				block[i] = 1
			}
			taken = append(taken, block)
			_ = taken
		}
	}
}
