package escpos_test

import (
	"fmt"

	"github.com/okienko/okienko/drivers/escpos"
	"github.com/okienko/okienko/drivers/paper"
)

// One encoder is made per printer and used for every ticket.
func ExampleEncoder_EncodeParts() {
	profile, err := escpos.LoadProfile("custom-vkp80iii", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	encoder, err := escpos.NewEncoder(profile)
	if err != nil {
		fmt.Println(err)
		return
	}
	body, cut, err := encoder.EncodeParts(paper.Document{Elements: []paper.Element{
		paper.Text{Value: "Łódź", Align: paper.Center},
	}})
	fmt.Printf("% X\n% X\n%v\n", body, cut, err)
	// Output:
	// 1B 40 1B 61 01 1B 74 12 9D A2 64 AB 0A 1B 64 04
	// 1D 56 00 1D 65 05
	// <nil>
}
