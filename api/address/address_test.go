package address

import "testing"

func TestURL(t *testing.T) {
	local := Public{Scheme: "http", Domain: "localhost", Port: 8080}
	for _, tc := range []struct {
		public          Public
		namespace, name string
		want            string
	}{
		{local, "default", "shop", "http://shop.localhost:8080"},
		{local, "team-a", "shop", "http://shop.team-a.localhost:8080"},
		{local, "default", "shop-1a2b3c4d", "http://shop-1a2b3c4d.localhost:8080"},
		{Public{"https", "apps.example.com", 443}, "default", "shop", "https://shop.apps.example.com"},
		{Public{"http", "apps.example.com", 80}, "default", "shop", "http://shop.apps.example.com"},
		{Public{"http", "apps.example.com", 443}, "default", "shop", "http://shop.apps.example.com:443"},
	} {
		if got := tc.public.URL(tc.public.Host(tc.namespace, tc.name)); got != tc.want {
			t.Errorf("got %s, want %s", got, tc.want)
		}
	}
}
