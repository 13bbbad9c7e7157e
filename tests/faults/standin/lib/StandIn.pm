# A Carbon server without weight and without a JVM, for the fault tests: it starts in a fiftieth of a
# second and ends at once.
#
# It writes down what lay on the disk when it started, takes its ports, joins the manager over a plain
# connection and says so in the words of the Hazelcast agent. What the lab's own stand-in proves
# (Tribes, database, vault, refusals) it leaves out. Without -DworkerNode=true it is the manager.
package StandIn;

use strict;
use warnings;

use Digest::SHA;
use Socket;
use Time::HiRes;

my $CLUSTERING = 'org.wso2.carbon.core.clustering.hazelcast.';
my $AGENT      = $CLUSTERING . 'HazelcastClusteringAgent';
my $MEMBERS    = $CLUSTERING . 'wka.WKABasedMembershipScheme';
my $FINALIZER  = 'org.wso2.carbon.core.internal.StartupFinalizerServiceComponent';
my $UUID       = '00000000-0000-4000-8000-000000000000';
my $STARTS     = '/var/lib/provision-faults/starts';
my @READ_AT_START = (
    'repository/conf',               'repository/components/lib',
    'repository/components/dropins', 'repository/deployment/server',
    '/etc/hosts',
);

my ($home) = map { /^-Dcarbon\.home=(.*)/ } @ARGV;
my $is_worker = ( 'false', map { /^-DworkerNode=(.*)/ } @ARGV )[-1] eq 'true';

sub main {
    put( '>', "$STARTS/$$.new", disk() );
    rename "$STARTS/$$.new", "$STARTS/$$" or die "cannot tell of this start: $!";
    put( '>', "$home/wso2carbon.pid", substr "$$\n" . "\0" x 100, 0, 100 );

    my $axis2 = xml("$home/repository/conf/axis2/axis2.xml");
    my ($host) = $axis2 =~ /"localMemberHost">([^<]*)/;
    my ($port) = $axis2 =~ /"localMemberPort">([^<]*)/;
    my ($offset) = xml("$home/repository/conf/carbon.xml") =~ /<Offset>([^<]*)/;
    my $members = listening( $host, $port );
    my @others  = map { listening( '0.0.0.0', $_ + $offset ) } 9763, 9443;

    my $manager = $is_worker ? join_manager( $axis2, "$host:$port" ) : undef;
    report( $AGENT,     'Cluster initialization completed' );
    report( $FINALIZER, 'WSO2 Carbon started in 0 sec' );
    serve($members);
}

# The connection stays, as the member's sign of life; the answer comes when the line is written.
sub join_manager {
    my ( $axis2, $member ) = @_;
    my ( $host, $port ) = $axis2 =~ m{<members>.*?<hostName>([^<]*).*?<port>([^<]*)}s;
    my $manager = tcp();
    connect $manager, address( $host, $port ) or die "no manager at $host:$port: $!";
    syswrite $manager, "$member\n";
    sysread $manager, my $answer, 1 or die "the manager at $host:$port takes no member";
    return $manager;
}

# Say who comes and who goes, for good.
sub serve {
    my ($members) = @_;
    my ( %connection, %name );
    while () {
        my $ready = '';
        vec( $ready, $_, 1 ) = 1 for fileno $members, keys %connection;
        select $ready, undef, undef, undef;
        for my $number ( grep { vec $ready, $_, 1 } keys %connection ) {
            my $connection = $connection{$number};
            if ( !sysread $connection, my $said, 64 ) {
                report( $MEMBERS, "Member left [$UUID]: /$name{$number}" ) if $name{$number};
                delete $connection{$number};
                delete $name{$number};
            }
            elsif ( !$name{$number} ) {
                chomp( $name{$number} = $said );
                report( $MEMBERS, "Member joined [$UUID]: /$name{$number}" );
                syswrite $connection, "\n";
            }
        }
        if ( vec $ready, fileno $members, 1 and accept my $fresh, $members ) {
            $connection{ fileno $fresh } = $fresh;
        }
    }
}

# All that a server reads when it starts, a digest and a path in each line.
sub disk {
    my ( $lines, @paths ) = ( '', @READ_AT_START );
    while ( defined( my $path = shift @paths ) ) {
        my $file = $path =~ m{^/} ? $path : "$home/$path";
        if ( -f $file ) {
            $lines .= Digest::SHA->new(256)->addfile( $file, 'b' )->hexdigest . " $path\n";
        }
        elsif ( opendir my $folder, $file ) {
            push @paths, map { "$path/$_" } grep { !/^\.\.?$/ } readdir $folder;
        }
    }
    return $lines;
}

# A file of XML without its comments: they hold look-alikes.
sub xml {
    my ($file) = @_;
    open my $handle, '<', $file or die "cannot read $file: $!";
    local $/;
    return <$handle> =~ s/<!--.*?-->//gsr;
}

sub tcp {
    socket my $made, PF_INET, SOCK_STREAM, 0 or die "no socket: $!";
    setsockopt $made, SOL_SOCKET, SO_REUSEADDR, 1;
    return $made;
}

sub address {
    my ( $host, $port ) = @_;
    return sockaddr_in( $port, inet_aton($host) );
}

sub listening {
    my ( $host, $port ) = @_;
    my $made = tcp();
    bind $made, address( $host, $port ) or die "cannot take $host:$port: $!";
    listen $made, 5 or die "cannot listen at $host:$port: $!";
    return $made;
}

sub report {
    my ( $logger, $message ) = @_;
    my ( $seconds, $micros ) = Time::HiRes::gettimeofday();
    my ( $sec, $min, $hour, $day, $month, $year ) = gmtime $seconds;
    my $time = sprintf '%d-%02d-%02d %02d:%02d:%02d,%03d', $year + 1900, $month + 1, $day, $hour,
        $min, $sec, $micros / 1000;
    put( '>>', "$home/repository/logs/wso2carbon.log",
        "TID: [-1234] [] [$time]  INFO {$logger} -  $message \n" );
}

# As the product does, it goes on where a line cannot be written.
sub put {
    my ( $mode, $file, $text ) = @_;
    my $written = open( my $handle, $mode, $file );
    $written &&= print {$handle} $text;
    $written &&= close $handle;
    warn "$file: $!\n" if !$written;
}

1;
