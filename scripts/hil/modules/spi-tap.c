// SPDX-License-Identifier: GPL-2.0
/*
 * SPI bus 0 with a logic analyser instead of wires, for make hil. What a master clocks out while a
 * chip is selected can be read from /dev/spi-tap: one byte of chip select, two bytes of length
 * (little-endian), the bytes. That is the form of drivers/emulator's taps. MISO is tied to MOSI.
 *
 * It is never unloaded: the machine that it runs in ends with the test.
 */
#include <linux/kfifo.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/poll.h>
#include <linux/spi/spi.h>

#define LONGEST 4096 /* bytes of one selection; spidev sends no more at once */
#define HEAD 3

static DEFINE_KFIFO(seen, u8, 65536);
static DEFINE_MUTEX(guard); /* of seen on the reader's side and the writer's, and of one selection */
static DECLARE_WAIT_QUEUE_HEAD(news);
static u8 frame[HEAD + LONGEST];
static size_t length; /* of the selection that goes on */

static int tap_transfer(struct spi_controller *bus, struct spi_device *chip, struct spi_transfer *part)
{
	size_t room = min_t(size_t, part->len, LONGEST - length);

	mutex_lock(&guard);
	if (part->tx_buf)
		memcpy(frame + HEAD + length, part->tx_buf, room);
	else
		memset(frame + HEAD + length, 0, room);
	length += room;
	mutex_unlock(&guard);
	if (part->rx_buf && part->tx_buf)
		memcpy(part->rx_buf, part->tx_buf, part->len);
	else if (part->rx_buf)
		memset(part->rx_buf, 0, part->len);
	return 0; /* it is over already */
}

/* The chip takes what it was sent when its select line rises; so does the reader. */
static void tap_select(struct spi_device *chip, bool high)
{
	if (!high)
		return;
	mutex_lock(&guard);
	if (length) {
		frame[0] = chip->chip_select;
		frame[1] = length & 0xff;
		frame[2] = length >> 8;
		if (kfifo_avail(&seen) >= HEAD + length)
			kfifo_in(&seen, frame, HEAD + length);
		else
			pr_warn_ratelimited("spi-tap: nobody reads, a frame is lost\n");
	}
	length = 0;
	mutex_unlock(&guard);
	wake_up_interruptible(&news);
}

static ssize_t tap_read(struct file *file, char __user *to, size_t size, loff_t *offset)
{
	unsigned int copied = 0;
	int failed;

	for (;;) {
		mutex_lock(&guard);
		failed = kfifo_to_user(&seen, to, size, &copied);
		mutex_unlock(&guard);
		if (failed)
			return failed;
		if (copied || !size)
			return copied;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		failed = wait_event_interruptible(news, !kfifo_is_empty(&seen));
		if (failed)
			return failed;
	}
}

static __poll_t tap_poll(struct file *file, poll_table *table)
{
	poll_wait(file, &news, table);
	return kfifo_is_empty(&seen) ? 0 : EPOLLIN | EPOLLRDNORM;
}

static const struct file_operations tap_operations = {
	.owner = THIS_MODULE, .read = tap_read, .poll = tap_poll, .llseek = no_llseek,
};

static struct miscdevice tap = { .minor = MISC_DYNAMIC_MINOR, .name = "spi-tap", .fops = &tap_operations };

static int tap_probe(struct platform_device *device)
{
	/* The name is one of those that the kernel's spidev takes. */
	struct spi_board_info chip = { .modalias = "dh2228fv", .max_speed_hz = 10000000 };
	struct spi_controller *bus = devm_spi_alloc_master(&device->dev, 0);
	int failed;

	if (!bus)
		return -ENOMEM;
	bus->bus_num = 0;
	bus->num_chipselect = 1;
	bus->mode_bits = SPI_CPOL | SPI_CPHA;
	bus->bits_per_word_mask = SPI_BPW_MASK(8);
	bus->transfer_one = tap_transfer;
	bus->set_cs = tap_select;
	failed = devm_spi_register_controller(&device->dev, bus);
	if (failed)
		return failed;
	if (!spi_new_device(bus, &chip))
		return -ENODEV;
	return misc_register(&tap);
}

static struct platform_driver tap_driver = { .driver = { .name = "spi-tap" } };

static int __init tap_start(void)
{
	return PTR_ERR_OR_ZERO(platform_create_bundle(&tap_driver, tap_probe, NULL, 0, NULL, 0));
}
module_init(tap_start);
MODULE_DESCRIPTION("SPI bus whose traffic is read from /dev/spi-tap");
MODULE_LICENSE("GPL");
