// Command greeter greets whom the query names.
package main

import (
	"cmp"
	"log"
	"net/http"

	"example.com/monorepo/libs/words"
)

func main() {
	err := words.Serve(func(r *http.Request) string {
		return "Good day, " + cmp.Or(r.URL.Query().Get("name"), "stranger") + "!"
	})
	if err != nil {
		log.Fatal(err)
	}
}
