package ticket_test

import (
	"fmt"

	"github.com/okienko/okienko/agent/ticket"
)

func ExampleLayout() {
	data, err := ticket.ParseData([]byte(`{
		"number": "A45", "service": "Dowody osobiste", "ahead": 2, "branch": "Urząd Miasta Torunia",
		"time": "2026-11-23T10:15:00+01:00", "wait": {"low": 600, "high": 1500}
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(ticket.Layout(data, ticket.Options{}).Text())
	// Output:
	// center 1×1 "Urząd Miasta Torunia"
	// center 1×1 bold "Dowody osobiste"
	// center 8×8 bold "A45"
	// center 1×1 "Przed Tobą: 2 osoby"
	// center 1×1 "Wezwanie: ok. 10:25–10:40"
	// center 1×1 "23.11.2026 10:15"
	// center 1×1 "Prosimy śledzić ekran"
	// cut full
}
