//go:build integration

package integration

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"text/tabwriter"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/headway-dev/headway/api/v1alpha1"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestColumns shows `kubectl get` for a team with one app: what is live, which
// commit, which URL, how much traffic.
func TestColumns(t *testing.T) {
	ns := namespace(t)
	ready := condition("Ready", "True", "Live")
	create(t, in(ns, repository(nil)))
	mustApplyStatus(t, in(ns, object("Repository", "shop", fields{
		"status.commit": commit, "status.appCount": int64(1),
		"status.conditions": []any{condition("Ready", "True", "Synced")},
	})), watcher)
	create(t, in(ns, app(nil)))
	mustApplyStatus(t, in(ns, object("App", "shop", fields{
		"status.url": "http://shop.localhost:8080", "status.live": "shop-1a2b3c4d", "status.liveCommit": "1a2b3c4d",
		"status.trafficSummary": "100% 1a2b3c4d", "status.conditions": []any{ready},
	})), controller)
	create(t, in(ns, revision(nil)))
	mustApplyStatus(t, in(ns, object("Revision", "shop-1a2b3c4d", fields{
		"status.url": "http://shop-1a2b3c4d.localhost:8080", "status.replicas": int64(1), "status.state": "Ready",
		"status.conditions": []any{condition("Built", "True", "BuildSucceeded"), condition("Ready", "True", "Running")},
	})), controller)
	create(t, in(ns, route(fields{"spec.traffic": split("shop-1a2b3c4d", 90, "shop-5e6f7081", 10)})))
	mustApplyStatus(t, in(ns, object("Route", "shop", fields{
		"status.summary":    "90% shop-1a2b3c4d, 10% shop-5e6f7081",
		"status.conditions": []any{condition("Ready", "True", "Routed")},
	})), controller)

	var got bytes.Buffer
	for _, kind := range []string{"repositories", "apps", "revisions", "routes"} {
		fmt.Fprintf(&got, "$ kubectl get %s\n", kind)
		printTable(t, &got, ns, kind)
	}
	golden := filepath.Join("testdata", "columns.txt")
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("columns (-want +got), -update rewrites the file:\n%s", diff)
	}
}

// printTable asks the server for the table that kubectl prints, without the
// age and the columns of -o wide.
func printTable(t *testing.T, to *bytes.Buffer, ns, kind string) {
	t.Helper()
	web, err := rest.HTTPClientFor(server)
	if err != nil {
		t.Fatal(err)
	}
	address, err := url.JoinPath(server.Host, "apis", v1alpha1.GroupVersion.String(), "namespaces", ns, kind)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
	response, err := web.Do(request)
	if err != nil {
		t.Fatalf("getting the table of %s: %v", kind, err)
	}
	defer response.Body.Close()
	var table metav1.Table
	if err := json.NewDecoder(response.Body).Decode(&table); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("reading the table of %s: %s, %v", kind, response.Status, err)
	}
	shown := func(i int) bool {
		return table.ColumnDefinitions[i].Priority == 0 && table.ColumnDefinitions[i].Name != "Age"
	}
	columns := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	for i, column := range table.ColumnDefinitions {
		if shown(i) {
			fmt.Fprintf(columns, "%s\t", column.Name)
		}
	}
	fmt.Fprintln(columns)
	for _, row := range table.Rows {
		for i, cell := range row.Cells {
			if shown(i) {
				fmt.Fprintf(columns, "%v\t", cell)
			}
		}
		fmt.Fprintln(columns)
	}
	columns.Flush()
}
