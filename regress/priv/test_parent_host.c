/*
 * What the parent does to the machine before it gives up uid 0, in a network
 * namespace and a folder of its own: users, folders, forwarding, the admin
 * socket, masquerading.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <check.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "privsep/conf/conf_enum.h"
#include "privsep/parent/host.h"
#include "privsep/parent/nft.h"

#define SKIP 77

static char dir[64];
static struct conf c;
static struct conf_pool pool;
static struct host_users users;
static char why[HOST_WHY];

static void
setup(void)
{
	strcpy(dir, "/tmp/gatehouse-host.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chmod(dir, 0755), 0);
	(void)umask(022);
	memset(&c, 0, sizeof(c));
	memset(&pool, 0, sizeof(pool));
	memset(&users, 0, sizeof(users));
	why[0] = '\0';
	c.n_pools = 1;
	c.pools = &pool;
	pool.n_ranges = 2;
	ck_assert_int_eq(addr_parse(&pool.ranges[0].lo, "10.77.0.0"), 0);
	ck_assert_int_eq(addr_parse(&pool.ranges[0].hi, "10.77.0.9"), 0);
	ck_assert_int_eq(addr_parse(&pool.ranges[1].lo, "fd77::"), 0);
	ck_assert_int_eq(addr_parse(&pool.ranges[1].hi, "fd77::9"), 0);
	users.uid[ROLE_DB] = users.gid[ROLE_DB] = 64123;
	users.gid[ROLE_PARENT] = 64124;
	ck_assert_int_gt(snprintf(c.run_dir, sizeof(c.run_dir), "%s/run",
	    dir), 0);
	ck_assert_int_gt(snprintf(c.state_dir, sizeof(c.state_dir),
	    "%s/state", dir), 0);
	ck_assert_int_gt(snprintf(c.control_socket, sizeof(c.control_socket),
	    "%s/ctl.sock", dir), 0);
}

static void
teardown(void)
{
	char path[128];

	(void)unlink(c.control_socket);
	ck_assert_int_gt(snprintf(path, sizeof(path), "%s/run/empty", dir),
	    0);
	(void)rmdir(path);
	(void)rmdir(c.run_dir);
	ck_assert_int_gt(snprintf(path, sizeof(path), "%s/pki", c.state_dir),
	    0);
	(void)rmdir(path);
	(void)rmdir(c.state_dir);
	ck_assert_int_eq(rmdir(dir), 0);
}

/* root owns what a role is shut into; db's folder is its own alone. */
START_TEST(folders)
{
	struct stat st;
	char root[128];

	for (int twice = 0; twice < 2; twice++) {
		ck_assert_int_eq(host_dirs(&c, &users, root, sizeof(root),
		    why), 0);
		ck_assert_int_eq(stat(root, &st), 0);
		ck_assert_uint_eq(st.st_uid, 0);
		ck_assert_uint_eq(st.st_mode & 07777, 0755);
		ck_assert_int_eq(stat(c.state_dir, &st), 0);
		ck_assert_uint_eq(st.st_uid, 64123);
		ck_assert_uint_eq(st.st_mode & 07777, 0700);
	}
	/* A link where the folder should be is not followed. */
	ck_assert_int_eq(rmdir(c.state_dir), 0);
	ck_assert_int_eq(symlink("/etc", c.state_dir), 0);
	ck_assert_int_lt(host_dirs(&c, &users, root, sizeof(root), why), 0);
	ck_assert_ptr_nonnull(strstr(why, "is not a folder"));
	ck_assert_int_eq(unlink(c.state_dir), 0);
}
END_TEST

/* With a pki process: a folder of its own, and a way through db's. */
START_TEST(folder_of_pki)
{
	char root[128], path[128];
	struct stat st;

	users.uid[ROLE_PKI] = users.gid[ROLE_PKI] = 64125;
	ck_assert_int_gt(snprintf(path, sizeof(path), "%s/pki", c.state_dir),
	    0);
	for (int twice = 0; twice < 2; twice++) {
		ck_assert_int_eq(host_dirs(&c, &users, root, sizeof(root),
		    why), 0);
		ck_assert_int_eq(stat(c.state_dir, &st), 0);
		ck_assert_uint_eq(st.st_uid, 64123);
		ck_assert_uint_eq(st.st_mode & 07777, 0711);
		ck_assert_int_eq(stat(path, &st), 0);
		ck_assert_uint_eq(st.st_uid, 64125);
		ck_assert_uint_eq(st.st_mode & 07777, 0700);
	}
}
END_TEST

/* "state-dir = /var/lib" does not give /var/lib to a role. */
START_TEST(folder_of_others)
{
	char root[128], file[128];
	struct stat st;

	ck_assert_int_eq(mkdir(c.state_dir, 0755), 0);
	ck_assert_int_gt(snprintf(file, sizeof(file), "%s/dpkg", c.state_dir),
	    0);
	ck_assert_int_eq(mkdir(file, 0755), 0);
	ck_assert_int_eq(host_dirs(&c, &users, root, sizeof(root), why),
	    ERR_POLICY);
	ck_assert_ptr_nonnull(strstr(why, "is not empty and belongs to uid 0"));
	ck_assert_int_eq(stat(c.state_dir, &st), 0);
	ck_assert_uint_eq(st.st_uid, 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0755);
	ck_assert_int_eq(rmdir(file), 0);
	/* Empty, as a package or systemd makes it, it is taken. */
	ck_assert_int_eq(host_dirs(&c, &users, root, sizeof(root), why), 0);
	/* "run-dir = /tmp" does not become 0755. */
	ck_assert_int_eq(chmod(c.run_dir, 01777), 0);
	ck_assert_int_eq(host_dirs(&c, &users, root, sizeof(root), why),
	    ERR_POLICY);
	ck_assert_int_eq(stat(c.run_dir, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 01777);
}
END_TEST

/* A role has no privilege to get through a folder that is shut. */
START_TEST(folder_out_of_reach)
{
	char root[128];

	ck_assert_int_eq(chmod(dir, 0700), 0);
	ck_assert_int_eq(host_dirs(&c, &users, root, sizeof(root), why),
	    ERR_POLICY);
	ck_assert_ptr_nonnull(strstr(why, "chmod o+x"));
	ck_assert_ptr_nonnull(strstr(why, dir));
}
END_TEST

/* Two headends on one state folder. */
START_TEST(state_lock)
{
	char root[128];
	int one = -1, two = -1;

	ck_assert_int_eq(host_dirs(&c, &users, root, sizeof(root), why), 0);
	ck_assert_int_eq(host_state_lock(&c, &one, why), 0);
	ck_assert_int_eq(host_state_lock(&c, &two, why), ERR_EXIST);
	ck_assert_int_eq(two, -1);
	ck_assert_ptr_nonnull(strstr(why, "another gatehoused"));
	ck_assert_ptr_nonnull(strstr(why, c.state_dir));
	close(one);
	ck_assert_int_eq(host_state_lock(&c, &two, why), 0);
	close(two);
}
END_TEST

START_TEST(forwarding)
{
	c.forwarding = FORWARDING_REQUIRE;
	ck_assert_int_eq(host_forwarding(&c, why), ERR_POLICY);
	ck_assert_ptr_nonnull(strstr(why,
	    "sysctl -w net.ipv4.ip_forward=1"));
	/* IPv6 by itself. */
	pool.ranges[0] = pool.ranges[1];
	ck_assert_int_eq(host_forwarding(&c, why), ERR_POLICY);
	ck_assert_ptr_nonnull(strstr(why,
	    "sysctl -w net.ipv6.conf.all.forwarding=1"));
	c.forwarding = FORWARDING_SET;
	ck_assert_int_eq(host_forwarding(&c, why), 0);
	c.forwarding = FORWARDING_REQUIRE;
	ck_assert_int_eq(host_forwarding(&c, why), 0);
}
END_TEST

START_TEST(admin_socket)
{
	struct stat st;
	int fd, other;

	ck_assert_int_eq(host_ctl_socket(&c, &users, &fd, why), 0);
	ck_assert_int_eq(stat(c.control_socket, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0660);
	ck_assert_uint_eq(st.st_uid, 0);
	ck_assert_uint_eq(st.st_gid, 64124);
	/* Somebody listens: not ours to take. */
	ck_assert_int_eq(host_ctl_socket(&c, &users, &other, why),
	    ERR_EXIST);
	ck_assert_ptr_nonnull(strstr(why, "another gatehoused"));
	close(fd);
	/* Nobody does any more: it is replaced. */
	ck_assert_int_eq(host_ctl_socket(&c, &users, &fd, why), 0);
	close(fd);
	/* A file is nothing that we made. */
	ck_assert_int_eq(unlink(c.control_socket), 0);
	ck_assert_int_eq(mkdir(c.control_socket, 0700), 0);
	ck_assert_int_eq(host_ctl_socket(&c, &users, &fd, why), ERR_EXIST);
	ck_assert_int_eq(rmdir(c.control_socket), 0);
}
END_TEST

START_TEST(no_user)
{
	unsigned int n[ROLE_MAX] = { 0 };
	int r;

	/* Either the parent's user is missing, or all is well. */
	r = host_users(&users, n, why);
	if (r == ERR_NOENT) {
		ck_assert_ptr_nonnull(strstr(why, "\"_gatehouse\""));
		ck_assert_ptr_nonnull(strstr(why, "useradd --system"));
	} else {
		ck_assert_int_eq(r, 0);
		ck_assert_uint_ne(users.uid[ROLE_PARENT], 0);
	}
}
END_TEST

static int
table_there(void)
{
	return (system("nft list table inet gatehouse >/dev/null 2>&1") == 0);
}

START_TEST(masquerade)
{
	struct nft *n, *again;

	c.nat = NAT_MASQUERADE;
	c.isolate = 0;
	ck_assert_int_eq(table_there(), 0);
	ck_assert_msg(nft_open(&n, &c, "gh0", why) == 0, "%s", why);
	ck_assert_int_eq(table_there(), 1);
	ck_assert_int_eq(system("nft list table inet gatehouse | "
	    "grep -q 'oifname != \"gh0\" ip saddr 10.77.0.0-10.77.0.9 "
	    "masquerade'"), 0);
	ck_assert_int_eq(system("nft list table inet gatehouse | "
	    "grep -q 'ip6 saddr fd77::-fd77::9 masquerade'"), 0);
	/* It is ours: nobody else's rules go in between. */
	ck_assert_int_ne(nft_open(&again, &c, "gh0", why), 0);
	ck_assert_ptr_nonnull(strstr(why, "nf_tables"));
	nft_free(n);
	ck_assert_int_eq(table_there(), 0);
	/* What somebody left is replaced. */
	ck_assert_int_eq(system("nft add table inet gatehouse"), 0);
	ck_assert_int_eq(nft_open(&n, &c, "gh0", why), 0);
	nft_free(n);
	ck_assert_int_eq(table_there(), 0);
}
END_TEST

/* What clients send to this host itself is dropped, whatever its address. */
START_TEST(isolation)
{
	struct nft *n;

	c.nat = NAT_NONE;
	c.isolate = 1;
	ck_assert_msg(nft_open(&n, &c, "gh0", why) == 0, "%s", why);
	ck_assert_int_eq(system("nft list chain inet gatehouse input | "
	    "grep -q 'hook input priority filter'"), 0);
	ck_assert_int_eq(system("nft list chain inet gatehouse input | "
	    "grep -q 'iifname \"gh0\" counter packets 0 bytes 0 drop'"), 0);
	ck_assert_int_eq(system("nft list chain inet gatehouse forward | "
	    "grep -q 'iifname \"gh0\" oifname \"gh0\" counter packets 0 "
	    "bytes 0 drop'"), 0);
	ck_assert_int_ne(system("nft list table inet gatehouse | "
	    "grep -q masquerade"), 0);
	nft_free(n);
	ck_assert_int_eq(table_there(), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("host");
	TCase *tc = tcase_create("host");
	SRunner *sr;
	int failed;

	if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0) {
		puts("SKIP: needs root and a network namespace");
		return (SKIP);
	}
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, folders);
	tcase_add_test(tc, folder_of_pki);
	tcase_add_test(tc, folder_of_others);
	tcase_add_test(tc, folder_out_of_reach);
	tcase_add_test(tc, state_lock);
	tcase_add_test(tc, forwarding);
	tcase_add_test(tc, admin_socket);
	tcase_add_test(tc, no_user);
	tcase_add_test(tc, masquerade);
	tcase_add_test(tc, isolation);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return (failed != 0);
}
