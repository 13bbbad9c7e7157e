# Print what the server answers at the port $1 of this host, over TLS where that is what it speaks.
case $1 in
    94??) printf 'GET / HTTP/1.0\r\n\r\n' | openssl s_client -quiet -connect "127.0.0.1:$1" 2> /dev/null || true ;; # the server's abrupt end is an error to it
    *) perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new("127.0.0.1:$ARGV[0]") or exit 1;
        print $s "GET / HTTP/1.0\r\n\r\n"; print <$s>' "$1" ;;
esac
