// Command clock tells the time.
package main

import (
	"log"
	"net/http"
	"time"

	"example.com/monorepo/libs/words"
)

func main() {
	err := words.Serve(func(*http.Request) string {
		return "It is " + time.Now().UTC().Format(time.TimeOnly) + " UTC."
	})
	if err != nil {
		log.Fatal(err)
	}
}
