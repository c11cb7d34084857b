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
// Whatever DIE says, it exits with 1 when it is asked for the path /die. With the
// argument "smoke" it asks HEADWAY_URL once, and exits with 1 unless that answers
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
	log.Fatal(http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if how == "request" || r.URL.Path == "/die" {
			os.Exit(1)
		}
		time.Sleep(pause)
		w.WriteHeader(status)
		fmt.Fprintln(w, os.Getenv("HEADWAY_COMMIT"))
	})))
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
